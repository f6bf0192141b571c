"""Readings of health checks, and the gateway's own downtime."""

from sqlalchemy import JSON, CheckConstraint, Column, Float, Index, Integer, String, Table

from gatewayz.store.sql.types import BigId, UTCDateTime, metadata

__all__ = ["beats", "downtime", "health_readings"]

health_readings = Table(
    "health_readings",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("place", String(255), primary_key=True),
    Column("kind", String(100), nullable=False),
    Column("state", String(20), nullable=False),
    Column("latency_ms", Float()),
    Column("detail", String(500), nullable=False),
    Column("facts", JSON(), nullable=False),
    Column("at", UTCDateTime(), nullable=False),
    Column("since", UTCDateTime(), nullable=False),
    Column("failures", Integer(), nullable=False),
    Column("provider", String(100), nullable=False),
)

beats = Table(
    "beats",
    metadata,
    Column("process", String(64), primary_key=True),
    Column("host", String(255), nullable=False),
    Column("version", String(40), nullable=False),
    Column("started_at", UTCDateTime(), nullable=False),
    Column("beat_at", UTCDateTime(), nullable=False),
    Column("stopped_at", UTCDateTime()),
)

downtime = Table(
    "downtime",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("started_at", UTCDateTime(), nullable=False),
    Column("detected_at", UTCDateTime(), nullable=False),
    Column("ended_at", UTCDateTime()),
    Column("status", String(20), nullable=False),
    Column("severity", String(16), nullable=False),
    Column("environment", String(40), nullable=False),
    Column("error_message", String(500), nullable=False),
    Column("server_info", JSON(), nullable=False),
    Column("resolved_by", String(100)),
    Column("notes", String(2000)),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("updated_at", UTCDateTime(), nullable=False),
    CheckConstraint("status IN ('ongoing', 'investigating', 'resolved')", name="status"),
    CheckConstraint("severity IN ('low', 'medium', 'high', 'critical')", name="severity"),
    CheckConstraint("ended_at >= started_at", name="ended_at"),
    Index(None, "started_at"),
    sqlite_autoincrement=True,
)
