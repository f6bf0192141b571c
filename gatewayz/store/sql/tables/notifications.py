"""What people want to be told, and what they were."""

from sqlalchemy import BigInteger, Boolean, CheckConstraint, Column, ForeignKey, Integer, String, Table

from gatewayz.store.sql.types import BigId, UTCDateTime, metadata

__all__ = ["notification_preferences", "notifications_sent"]

notification_preferences = Table(
    "notification_preferences",
    metadata,
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("email_notifications", Boolean, nullable=False),
    Column("low_balance_threshold", BigInteger, nullable=False),
    Column("trial_expiry_reminder_days", Integer, nullable=False),
    Column("plan_expiry_reminder_days", Integer, nullable=False),
    Column("usage_alerts", Boolean, nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("updated_at", UTCDateTime(), nullable=False),
    CheckConstraint("low_balance_threshold >= 0", name="low_balance_threshold"),
)

notifications_sent = Table(
    "notifications_sent",
    metadata,
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("kind", String(32), primary_key=True),
    Column("covers", UTCDateTime(), nullable=False),
)
