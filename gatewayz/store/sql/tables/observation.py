"""What was observed of traffic: rows of one process by minute, sums over processes by hour and day.

Rows are narrow, written by hand-made statements and found by their key alone: SQLite keeps them in it.
Source: docs/decisions/0132-observations-in-sql.md.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, LargeBinary, SmallInteger, String, Table

from gatewayz.store.observation_records import COUNTERS
from gatewayz.store.sql.types import metadata

__all__ = ["offer_states", "traffic"]

traffic = Table(
    "traffic",
    metadata,
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("provider", String(64), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("process", String(16), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in COUNTERS),
    Column("packed", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
"""`step` and `start` are seconds; `packed` holds the sketches."""

offer_states = Table(
    "offer_states",
    metadata,
    Column("provider", String(64), primary_key=True),
    Column("model", String(200), primary_key=True),
    Column("last_outcome", String(16)),
    Column("last_status", SmallInteger),
    Column("called_ms", BigInteger, nullable=False),
    Column("success_ms", BigInteger),
    Column("failure_ms", BigInteger),
    Column("response_ms", Float),
    Column("last_error", String(64)),
    Column("consecutive_failures", Integer, nullable=False),
    Index(None, "called_ms"),
)
