"""Models under maintenance."""

from sqlalchemy import Column, String, Table

from gatewayz.store.sql.types import UTCDateTime, metadata

__all__ = ["model_maintenance"]

model_maintenance = Table(
    "model_maintenance",
    metadata,
    Column("model", String(256), primary_key=True),
    Column("until", UTCDateTime()),
    Column("reason", String(500), nullable=False),
    Column("created_by", String(100), nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
)
