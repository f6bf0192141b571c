"""Files of users with their content, batches and their lines.

Content is kept in the database, so that every process reaches it.
Source: docs/decisions/0189-file-content-is-in-the-database.md.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    Text,
)

from gatewayz.store.sql.types import BigId, UTCDateTime, metadata

__all__ = ["DONE", "RUNNING", "UNDOING", "WAITING", "batch_lines", "batches", "file_chunks", "files"]

WAITING, RUNNING, DONE, UNDOING = 0, 1, 2, 3
"""States of lines; UNDOING: what the attempt was charged is being taken back, and its answer comes too late."""

files = Table(
    "files",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("public_id", String(40), nullable=False, unique=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("filename", String(255), nullable=False),
    Column("purpose", String(32), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("is_ready", Boolean, nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("expires_at", UTCDateTime()),
    Index(None, "user_id", "id"),
    Index(None, "expires_at"),
    sqlite_autoincrement=True,
)

file_chunks = Table(
    "file_chunks",
    metadata,
    Column("file_id", BigId, ForeignKey("files.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("data", LargeBinary, nullable=False),
)

batches = Table(
    "batches",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("public_id", String(40), nullable=False, unique=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("key_id", BigInteger, nullable=False),
    Column("endpoint", String(64), nullable=False),
    Column("input_file_id", String(40), nullable=False),
    Column("completion_window", String(16), nullable=False),
    Column("metadata", Text),
    Column("output_ttl_s", Integer),
    Column("state", String(16), nullable=False),
    Column("model", String(256)),
    Column("problems", Text),
    Column("total", Integer, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("output_file_id", String(40)),
    Column("error_file_id", String(40)),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("expires_at", UTCDateTime(), nullable=False),
    *(
        Column(f"{state}_at", UTCDateTime())
        for state in ("in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled")
    ),
    CheckConstraint("completed + failed <= total", name="counts"),
    Index(None, "user_id", "id"),
    Index(None, "state"),
    sqlite_autoincrement=True,
)

batch_lines = Table(
    "batch_lines",
    metadata,
    Column("batch_id", BigId, ForeignKey("batches.id"), primary_key=True, autoincrement=False),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("custom_id", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("body", LargeBinary),
    Column("request_id", String(160)),
    Column("status", SmallInteger),
    Column("answer", LargeBinary),
    CheckConstraint("state BETWEEN 0 AND 3", name="state"),
    Index(None, "batch_id", "state", "number"),
)
