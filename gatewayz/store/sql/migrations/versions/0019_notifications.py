"""What people want to be told, and what they were."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "notification_preferences",
        sa.Column("user_id", BigId, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("email_notifications", sa.Boolean(), nullable=False),
        sa.Column("low_balance_threshold", sa.BigInteger(), nullable=False),
        sa.Column("trial_expiry_reminder_days", sa.Integer(), nullable=False),
        sa.Column("plan_expiry_reminder_days", sa.Integer(), nullable=False),
        sa.Column("usage_alerts", sa.Boolean(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("low_balance_threshold >= 0", name="low_balance_threshold"),
    )
    op.create_table(
        "notifications_sent",
        sa.Column("user_id", BigId, sa.ForeignKey("users.id"), primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("covers", UTCDateTime(), nullable=False),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("notifications_sent")
    op.drop_table("notification_preferences")
