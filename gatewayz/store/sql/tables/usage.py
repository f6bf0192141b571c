"""The usage log: one narrow row for each settled request.

A plain SQLAlchemy table: rows are written in groups by hand-made statements and read by reports,
never as objects. The id carries the moment (`gatewayz.store.moment_id`), so that the primary key
is the index on time, the paging cursor and, on PostgreSQL, the partition key.
Source: docs/decisions/0062-usage-rows-by-day.md.
"""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, SmallInteger, String, Table, text

from gatewayz.store.sql.types import BigId, metadata

__all__ = ["usage_log"]

_ASKED = text("cache IS NOT NULL")
"""Rows of calls for which the response cache was asked."""
_NAMED = text("app IS NOT NULL")
"""Rows of calls that name their application."""

usage_log = Table(
    "usage_log",
    metadata,
    Column("id", BigId, primary_key=True, autoincrement=False),
    Column("request_id", String(128), nullable=False),
    Column("user_id", BigInteger),
    Column("key_id", BigInteger),
    Column("operation", String(32), nullable=False),
    Column("requested_model", String(200), nullable=False),
    Column("model", String(200)),
    Column("provider", String(64)),
    Column("upstream_model", String(200)),
    Column("status", SmallInteger, nullable=False),
    Column("error_code", String(64)),
    Column("is_stream", Boolean, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cache_read_tokens", BigInteger, nullable=False),
    Column("cache_write_5m_tokens", BigInteger, nullable=False),
    Column("cache_write_1h_tokens", BigInteger, nullable=False),
    Column("audio_input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("audio_output_tokens", BigInteger, nullable=False),
    Column("images", Integer, nullable=False),
    Column("usage_source", String(16)),
    Column("cost_nano", BigInteger),
    Column("charged_nano", BigInteger),
    Column("attempts", String(400)),
    Column("duration_ms", Integer, nullable=False),
    Column("first_content_ms", Integer),
    Column("candidates", String(400)),
    Column("reason", String(200)),
    Column("rates", String(200)),
    Column("audio_ms", BigInteger),
    Column("characters", BigInteger),
    Column("cache", String(4)),
    Column("saved_nano", BigInteger),
    Column("app", String(80)),
    Column("app_url", String(120)),
    Index(None, "user_id", "id"),
    Index(None, "request_id"),
    Index("ix_usage_log_cache", "id", sqlite_where=_ASKED, postgresql_where=_ASKED),
    Index("ix_usage_log_app", "id", sqlite_where=_NAMED, postgresql_where=_NAMED),
    postgresql_partition_by="RANGE (id)",
)
