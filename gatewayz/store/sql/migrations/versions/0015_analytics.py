"""What clients say happened in them."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "analytics_events",
        sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("user_id", sa.BigInteger),
        sa.Column("claimed_user", sa.String(100)),
        sa.Column("session_id", sa.String(64)),
        sa.Column("value", sa.Text),
        sa.Column("metadata", sa.Text),
    )
    op.create_index("ix_analytics_events_name_id", "analytics_events", ["name", "id"])
    op.create_index("ix_analytics_events_session_id_id", "analytics_events", ["session_id", "id"])


def downgrade() -> None:
    """Take back."""
    op.drop_table("analytics_events")
