"""Chat sessions with full-text search, feedback, and links to shared conversations.

Search: PostgreSQL computes a tsvector column with each row; SQLite has FTS5 tables over the same rows, kept by
triggers. A later migration that rebuilds one of the two tables on SQLite has to make its triggers again.
"""

import sqlalchemy as sa
from alembic import op

from gatewayz.store.sql.types import BigId, UTCDateTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_SEARCHED = (("chat_sessions", "title"), ("chat_messages", "content"))
_INDEXED_CHARACTERS = 150_000
"""A tsvector holds at most 1 MiB; so many characters fit whatever they are."""


def upgrade() -> None:
    """Apply."""
    _create_sessions()
    _create_messages()
    _create_feedback()
    _create_shares()
    search = _search_on_postgres if op.get_bind().dialect.name == "postgresql" else _search_on_sqlite
    for table, column in _SEARCHED:
        search(table, column)


def _create_sessions() -> None:
    op.create_table(
        "chat_sessions",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("title", sa.String(200), nullable=False),
        sa.Column("model", sa.String(256)),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chat_sessions_user_id_id", "chat_sessions", ["user_id", "id"])


def _create_messages() -> None:
    op.create_table(
        "chat_messages",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("session_id", BigId, sa.ForeignKey("chat_sessions.id"), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("model", sa.String(256)),
        sa.Column("tokens", sa.BigInteger()),
        sa.Column("is_complete", sa.Boolean(), nullable=False),
        sa.Column("request_id", sa.String(160)),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("role IN ('system', 'user', 'assistant')", name="role"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chat_messages_session_id_id", "chat_messages", ["session_id", "id"])


def _create_feedback() -> None:
    op.create_table(
        "chat_feedback",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("session_id", BigId, sa.ForeignKey("chat_sessions.id")),
        sa.Column("message_id", BigId, sa.ForeignKey("chat_messages.id")),
        sa.Column("feedback_type", sa.String(16), nullable=False),
        sa.Column("rating", sa.SmallInteger()),
        sa.Column("comment", sa.Text()),
        sa.Column("model", sa.String(256)),
        sa.Column("metadata", sa.Text()),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.CheckConstraint("feedback_type IN ('thumbs_up', 'thumbs_down', 'regenerate')", name="feedback_type"),
        sa.CheckConstraint("rating BETWEEN 1 AND 5", name="rating"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chat_feedback_user_id_id", "chat_feedback", ["user_id", "id"])
    op.create_index("ix_chat_feedback_session_id", "chat_feedback", ["session_id"])


def _create_shares() -> None:
    op.create_table(
        "chat_shares",
        sa.Column("id", BigId, primary_key=True),
        sa.Column("session_id", BigId, sa.ForeignKey("chat_sessions.id"), nullable=False),
        sa.Column("user_id", BigId, sa.ForeignKey("users.id"), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False, unique=True),
        sa.Column("token_hint", sa.String(8), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime()),
        sa.Column("view_count", sa.Integer(), nullable=False),
        sa.Column("last_viewed_at", UTCDateTime()),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_chat_shares_user_id_id", "chat_shares", ["user_id", "id"])


def _search_on_postgres(table: str, column: str) -> None:
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN search_vector tsvector GENERATED ALWAYS AS "
        f"(to_tsvector('simple'::regconfig, left({column}, {_INDEXED_CHARACTERS}))) STORED"
    )
    op.execute(f"CREATE INDEX ix_{table}_search_vector ON {table} USING gin (search_vector)")


def _search_on_sqlite(table: str, column: str) -> None:
    op.execute(
        f"CREATE VIRTUAL TABLE {table}_fts USING fts5({column}, content='{table}', content_rowid='id', "
        f"tokenize='unicode61 remove_diacritics 0')"
    )
    added = f"INSERT INTO {table}_fts (rowid, {column}) VALUES (new.id, new.{column})"  # noqa: S608  (names of ours)
    taken = (
        f"INSERT INTO {table}_fts ({table}_fts, rowid, {column}) "  # noqa: S608  (likewise)
        f"VALUES ('delete', old.id, old.{column})"
    )
    for moment, statements in {
        "INSERT": (added,),
        "DELETE": (taken,),
        f"UPDATE OF {column}": (taken, added),
    }.items():
        name = f"{table}_fts_{moment.split()[0].lower()}"
        body = " ".join(f"{statement};" for statement in statements)
        op.execute(f"CREATE TRIGGER {name} AFTER {moment} ON {table} BEGIN {body} END")


def downgrade() -> None:
    """Take back."""
    if op.get_bind().dialect.name == "sqlite":
        for table, _ in _SEARCHED:
            op.execute(f"DROP TABLE {table}_fts")
    for table in ("chat_shares", "chat_feedback", "chat_messages", "chat_sessions"):
        op.drop_table(table)
