"""What the response cache did for a call, and the number that moves when it is cleared."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.add_column("usage_log", sa.Column("cache", sa.String(4)))
    op.add_column("usage_log", sa.Column("saved_nano", sa.BigInteger))
    asked = sa.text("cache IS NOT NULL")
    op.create_index("ix_usage_log_cache", "usage_log", ["id"], sqlite_where=asked, postgresql_where=asked)
    op.execute("INSERT INTO revisions (name, value) VALUES ('response_cache', 0)")


def downgrade() -> None:
    """Take back."""
    op.execute("DELETE FROM revisions WHERE name = 'response_cache'")
    op.drop_index("ix_usage_log_cache", table_name="usage_log")
    for name in ("saved_nano", "cache"):
        op.drop_column("usage_log", name)
