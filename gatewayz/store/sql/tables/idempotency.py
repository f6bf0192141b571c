"""Requests that carry an id of their caller's."""

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, String, Table

from gatewayz.store.sql.types import metadata

__all__ = ["idempotency"]

idempotency = Table(
    "idempotency",
    metadata,
    Column("user_id", BigInteger, primary_key=True, autoincrement=False),
    Column("key", String(300), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("state", String(10), nullable=False),
    Column("run", Integer, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("headers", LargeBinary),
    Column("body", LargeBinary),
    Index("ix_idempotency_expires_ms", "expires_ms"),
)
"""One row for each id a user has sent: running, done (with the answer), spent or released."""
