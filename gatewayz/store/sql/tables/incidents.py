"""Outages of offers and of whole providers."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, Table, text

from gatewayz.store.sql.types import BigId, UTCDateTime, metadata

__all__ = ["incidents"]

incidents = Table(
    "incidents",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("provider", String(64), nullable=False),
    Column("model", String(200), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("started_at", UTCDateTime(), nullable=False),
    Column("better_since", UTCDateTime()),
    Column("resolved_at", UTCDateTime()),
    Column("resolved_by", String(100)),
    Column("error_code", String(64)),
    Column("error_count", BigInteger, nullable=False),
    Column("notes", String(2000)),
    Column("updated_at", UTCDateTime(), nullable=False),
    CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name="severity"),
    CheckConstraint("resolved_at >= started_at", name="resolved_at"),
    Index(
        "ix_incidents_active",
        "provider",
        "model",
        unique=True,
        sqlite_where=text("resolved_at IS NULL"),
        postgresql_where=text("resolved_at IS NULL"),
    ),
    Index(None, "started_at"),
    Index(None, "resolved_at"),
    sqlite_autoincrement=True,
)
