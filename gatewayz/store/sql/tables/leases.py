"""Who does the work that is done for all processes."""

from sqlalchemy import Column, String, Table

from gatewayz.store.sql.types import UTCDateTime, metadata

__all__ = ["leases"]

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("until", UTCDateTime, nullable=False),
    Column("done", UTCDateTime, nullable=False),
)
"""`until`: somebody is at work; `done`: start of the last round that ended well."""
