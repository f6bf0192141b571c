"""What providers list, how asking them went, and every round of it."""

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table, Text

from gatewayz.store.sql.types import BigId, UTCDateTime, metadata

__all__ = ["catalog_listings", "catalog_lists", "catalog_runs"]

catalog_listings = Table(
    "catalog_listings",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("native", String(300), primary_key=True),
    Column("model", String(300), nullable=False),
    Column("state", String(10), nullable=False),
    Column("facts", Text, nullable=False),
    Column("hash", String(32), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("changed_at", UTCDateTime(), nullable=False),
)

catalog_lists = Table(
    "catalog_lists",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("last_run_at", UTCDateTime(), nullable=False),
    Column("last_success_at", UTCDateTime()),
    Column("last_error", String(500)),
    Column("duration_s", Float, nullable=False),
    Column("listed", Integer, nullable=False),
    Column("priced", Integer, nullable=False),
    Column("confirmed", Integer, nullable=False),
    Column("unpriced", Integer, nullable=False),
    Column("refused", Integer, nullable=False),
)

catalog_runs = Table(
    "catalog_runs",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("started_at", UTCDateTime(), nullable=False),
    Column("ended_at", UTCDateTime()),
    Column("providers", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("changed", Integer, nullable=False),
    Column("error", String(500)),
    Index("ix_catalog_runs_started_at", "started_at"),
)
