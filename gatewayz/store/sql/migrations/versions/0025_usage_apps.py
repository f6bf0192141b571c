"""The application that a call came from, where it says so, in the usage log."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None

_NAMED = sa.text("app IS NOT NULL")


def upgrade() -> None:
    """Apply."""
    op.add_column("usage_log", sa.Column("app", sa.String(80)))
    op.add_column("usage_log", sa.Column("app_url", sa.String(120)))
    op.create_index("ix_usage_log_app", "usage_log", ["id"], sqlite_where=_NAMED, postgresql_where=_NAMED)


def downgrade() -> None:
    """Take back."""
    op.drop_index("ix_usage_log_app", table_name="usage_log")
    for name in ("app_url", "app"):
        op.drop_column("usage_log", name)
