"""Customers' webhooks: where they go, and what is on its way."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("url", sa.String(2048), nullable=False),
        sa.Column("events", sa.String(400), nullable=False),
        sa.Column("description", sa.String(200), nullable=False),
        sa.Column("is_of_preferences", sa.Boolean(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(16)),
        sa.Column("failing_since_ms", sa.BigInteger()),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("old_nonce", sa.LargeBinary()),
        sa.Column("old_until_ms", sa.BigInteger()),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_endpoints_user_id", "webhook_endpoints", ["user_id"])
    op.create_index(
        "ix_webhook_endpoints_of_preferences",
        "webhook_endpoints",
        ["user_id"],
        unique=True,
        sqlite_where=sa.text("is_of_preferences"),
        postgresql_where=sa.text("is_of_preferences"),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("event_id", sa.String(64), nullable=False),
        sa.Column("endpoint_id", BigId, sa.ForeignKey("webhook_endpoints.id"), nullable=False),
        sa.Column("type", sa.String(32), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_ms", sa.BigInteger(), nullable=False),
        sa.Column("next_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("tried_ms", sa.BigInteger()),
        sa.Column("response_status", sa.Integer()),
        sa.Column("duration_ms", sa.BigInteger()),
        sa.Column("error", sa.String(200)),
        sa.UniqueConstraint("endpoint_id", "event_id"),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="state"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_webhook_deliveries_endpoint_id_id", "webhook_deliveries", ["endpoint_id", "id"])
    op.create_index("ix_webhook_deliveries_created_ms", "webhook_deliveries", ["created_ms"])
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["next_ms"],
        sqlite_where=sa.text("state = 'waiting'"),
        postgresql_where=sa.text("state = 'waiting'"),
    )


def downgrade() -> None:
    """Take back."""
    op.drop_table("webhook_deliveries")
    op.drop_table("webhook_endpoints")
