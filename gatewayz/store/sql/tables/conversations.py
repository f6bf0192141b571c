"""Chat sessions, what is thought of answers, and links to shared conversations.

What full-text search needs is not here: it is made by the migration, in each database's own words.
Source: docs/decisions/0165-sessions-keep-text.md.
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

__all__ = ["chat_feedback", "chat_messages", "chat_sessions", "chat_shares"]

chat_sessions = Table(
    "chat_sessions",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("title", String(200), nullable=False),
    Column("model", String(256)),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("updated_at", UTCDateTime(), nullable=False),
    Column("is_active", Boolean, nullable=False),
    Index(None, "user_id", "id"),
    sqlite_autoincrement=True,
)

chat_messages = Table(
    "chat_messages",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("session_id", BigId, ForeignKey("chat_sessions.id"), nullable=False),
    Column("role", String(16), nullable=False),
    Column("content", Text, nullable=False),
    Column("model", String(256)),
    Column("tokens", BigInteger),
    Column("is_complete", Boolean, nullable=False),
    Column("request_id", String(160)),
    Column("created_at", UTCDateTime(), nullable=False),
    CheckConstraint("role IN ('system', 'user', 'assistant')", name="role"),
    Index(None, "session_id", "id"),
    sqlite_autoincrement=True,
)

chat_feedback = Table(
    "chat_feedback",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("session_id", BigId, ForeignKey("chat_sessions.id")),
    Column("message_id", BigId, ForeignKey("chat_messages.id")),
    Column("feedback_type", String(16), nullable=False),
    Column("rating", SmallInteger),
    Column("comment", Text),
    Column("model", String(256)),
    Column("metadata", Text),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("updated_at", UTCDateTime(), nullable=False),
    CheckConstraint("feedback_type IN ('thumbs_up', 'thumbs_down', 'regenerate')", name="feedback_type"),
    CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
    Index(None, "user_id", "id"),
    Index(None, "session_id"),
    sqlite_autoincrement=True,
)

chat_shares = Table(
    "chat_shares",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("session_id", BigId, ForeignKey("chat_sessions.id"), nullable=False),
    Column("user_id", BigId, ForeignKey("users.id"), nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("token_hint", String(8), nullable=False),
    Column("created_at", UTCDateTime(), nullable=False),
    Column("expires_at", UTCDateTime()),
    Column("view_count", Integer, nullable=False),
    Column("last_viewed_at", UTCDateTime()),
    Column("is_active", Boolean, nullable=False),
    Index(None, "user_id", "id"),
    sqlite_autoincrement=True,
)
