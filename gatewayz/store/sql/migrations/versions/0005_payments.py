"""Payments, webhook events, subscriptions, and grants of administrators."""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

IS_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    """Apply."""
    _add_payments()
    op.create_table(
        "payment_events",
        sa.Column("id", sa.String(255), primary_key=True),
        sa.Column("type", sa.String(128), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", UTCDateTime(), nullable=False),
        sa.Column("error", sa.String(500)),
        sa.Column("received_at", UTCDateTime(), nullable=False),
        sa.Column("processed_at", UTCDateTime()),
    )
    op.create_index(
        "ix_payment_events_due", "payment_events", ["next_at"], sqlite_where=IS_WAITING, postgresql_where=IS_WAITING
    )
    _add_subscriptions()
    op.create_table(
        "admin_grants",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("actor", sa.String(100), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(500), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("amount > 0", name="amount"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_admin_grants_actor_created_at", "admin_grants", ["actor", "created_at"])


def downgrade() -> None:
    """Take back."""
    for table in ("admin_grants", "subscriptions", "payment_events", "payments"):
        op.drop_table(table)


def _add_payments() -> None:
    op.create_table(
        "payments",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, sa.ForeignKey("users.id", name="fk_payments_user_id_users"), nullable=False),
        sa.Column("processor", sa.String(64), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("session_id", sa.String(255), unique=True),
        sa.Column("intent_id", sa.String(255), unique=True),
        sa.Column("method", sa.String(64)),
        sa.Column("description", sa.String(500)),
        sa.Column("metadata", sa.JSON(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("returned", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("completed_at", UTCDateTime()),
        sa.CheckConstraint("amount > 0 AND credit >= 0", name="amounts"),
        sa.CheckConstraint("paid >= 0 AND returned >= 0", name="moved"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_payments_user_id_id", "payments", ["user_id", "id"])


def _add_subscriptions() -> None:
    op.create_table(
        "subscriptions",
        sa.Column(
            "user_id",
            BigId,
            sa.ForeignKey("users.id", name="fk_subscriptions_user_id_users"),
            primary_key=True,
            autoincrement=False,
        ),
        sa.Column("processor", sa.String(64), nullable=False),
        sa.Column("customer_id", sa.String(255)),
        sa.Column("subscription_id", sa.String(255), nullable=False, unique=True),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("tier", sa.String(64), nullable=False),
        sa.Column("product_id", sa.String(255)),
        sa.Column("price_id", sa.String(255)),
        sa.Column("period_start", UTCDateTime()),
        sa.Column("period_end", UTCDateTime()),
        sa.Column("cancel_at_period_end", sa.Boolean(), nullable=False),
        sa.Column("canceled_at", UTCDateTime()),
        sa.Column("as_of", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
    )
    op.create_index("ix_subscriptions_customer_id", "subscriptions", ["customer_id"])
