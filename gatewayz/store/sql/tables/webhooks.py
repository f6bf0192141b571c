"""Customers' webhooks: where they go, and what is on its way.

Moments of deliveries are milliseconds: the ledger writes rows here by hand-made statements.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gatewayz.store.sql.types import BigId, UTCDateTime, metadata

__all__ = ["webhook_deliveries", "webhook_endpoints"]

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("url", String(2048), nullable=False),
    Column("events", String(400), nullable=False),
    Column("description", String(200), nullable=False),
    Column("is_of_preferences", Boolean, nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("disabled_reason", String(16)),
    Column("failing_since_ms", BigInteger),
    Column("nonce", LargeBinary, nullable=False),
    Column("old_nonce", LargeBinary),
    Column("old_until_ms", BigInteger),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("updated_at", UTCDateTime(), nullable=False),
    Index(None, "user_id"),
    Index(
        "ix_webhook_endpoints_of_preferences",
        "user_id",
        unique=True,
        sqlite_where=text("is_of_preferences"),
        postgresql_where=text("is_of_preferences"),
    ),
    sqlite_autoincrement=True,
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("event_id", String(64), nullable=False),
    Column("endpoint_id", BigId, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("type", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("next_ms", BigInteger, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("tried_ms", BigInteger),
    Column("response_status", Integer),
    Column("duration_ms", BigInteger),
    Column("error", String(200)),
    UniqueConstraint("endpoint_id", "event_id"),
    CheckConstraint("state IN ('waiting', 'delivered', 'failed')", name="state"),
    Index(None, "endpoint_id", "id"),
    Index(None, "created_ms"),
    Index(
        "ix_webhook_deliveries_due",
        "next_ms",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
    sqlite_autoincrement=True,
)
