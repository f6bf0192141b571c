"""Which addresses the network limiter passes over."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, String, Table, UniqueConstraint

from gatewayz.store.sql.types import UTCDateTime, metadata

__all__ = ["EVERYBODY", "ip_allowlist"]

EVERYBODY = 0
"""`user_id` of entries that are nobody's own: NULLs are never equal, and a network is listed once."""

ip_allowlist = Table(
    "ip_allowlist",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("network", String(64), nullable=False),
    Column("user_id", BigInteger, nullable=False),
    Column("reason", String(500), nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("is_enabled", Boolean, nullable=False),
    Column("expires_at", UTCDateTime()),
    Column("metadata", JSON, nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("updated_at", UTCDateTime(), nullable=False),
    UniqueConstraint("network", "user_id"),
)
