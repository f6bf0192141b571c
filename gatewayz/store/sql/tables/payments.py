"""Payments, the inbox of webhook events, subscriptions, and what administrators gave away.

Amounts of payments are in the smallest unit of their currency, as processors count; grants are in nano-dollars.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from gatewayz.store.sql.types import BigId, UTCDateTime, metadata

__all__ = ["admin_grants", "payment_events", "payments", "subscriptions"]

payments = Table(
    "payments",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("processor", String(64), nullable=False),
    Column("status", String(32), nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("credit", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("session_id", String(255), unique=True),
    Column("intent_id", String(255), unique=True),
    Column("method", String(64)),
    Column("description", String(500)),
    Column("metadata", JSON, nullable=False),
    Column("paid", BigInteger, nullable=False, server_default="0"),
    Column("returned", BigInteger, nullable=False, server_default="0"),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("completed_at", UTCDateTime()),
    CheckConstraint("amount > 0 AND credit >= 0", name="amounts"),
    CheckConstraint("paid >= 0 AND returned >= 0", name="moved"),
    Index(None, "user_id", "id"),
    sqlite_autoincrement=True,
)

payment_events = Table(
    "payment_events",
    metadata,
    Column("id", String(255), primary_key=True),
    Column("type", String(128), nullable=False),
    Column("body", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", UTCDateTime(), nullable=False),
    Column("error", String(500)),
    Column("received_at", UTCDateTime(), nullable=False),
    Column("processed_at", UTCDateTime()),
    Index(
        "ix_payment_events_due",
        "next_at",
        sqlite_where=text("state = 'waiting'"),
        postgresql_where=text("state = 'waiting'"),
    ),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("user_id", BigId, ForeignKey("users.id"), primary_key=True, autoincrement=False),
    Column("processor", String(64), nullable=False),
    Column("customer_id", String(255)),
    Column("subscription_id", String(255), nullable=False, unique=True),
    Column("status", String(32), nullable=False),
    Column("tier", String(64), nullable=False),
    Column("product_id", String(255)),
    Column("price_id", String(255)),
    Column("period_start", UTCDateTime()),
    Column("period_end", UTCDateTime()),
    Column("cancel_at_period_end", Boolean, nullable=False),
    Column("canceled_at", UTCDateTime()),
    Column("as_of", UTCDateTime(), nullable=False),
    Column("updated_at", UTCDateTime(), nullable=False),
    Index(None, "customer_id"),
)

admin_grants = Table(
    "admin_grants",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("actor", String(100), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    CheckConstraint("amount > 0", name="amount"),
    Index(None, "actor", "created_at"),
    sqlite_autoincrement=True,
)
