"""What clients say happened in them."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from gatewayz.store.sql.types import metadata

__all__ = ["analytics_events"]

analytics_events = Table(
    "analytics_events",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("name", String(100), nullable=False),
    Column("user_id", BigInteger),
    Column("claimed_user", String(100)),
    Column("session_id", String(64)),
    Column("value", Text),
    Column("metadata", Text),
    Index(None, "name", "id"),
    Index(None, "session_id", "id"),
)
