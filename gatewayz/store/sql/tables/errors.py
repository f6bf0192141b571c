"""Errors that are alike, counted over all processes."""

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from gatewayz.store.sql.types import metadata

__all__ = ["error_patterns"]

error_patterns = Table(
    "error_patterns",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("count", BigInteger, nullable=False),
    Column("first_ms", BigInteger, nullable=False),
    Column("last_ms", BigInteger, nullable=False),
    Column("facts", Text, nullable=False),
    Index(None, "last_ms"),
)
