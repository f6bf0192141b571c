"""Chat sessions and their messages on SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET
from sqlalchemy import ColumnElement, func, insert, select, update
from sqlmodel import Session

from gatewayz.sdk.errors import Conflict
from gatewayz.store.conversation_records import (
    ChatMessage,
    ChatSession,
    ChatTotals,
    KeptLimits,
    MessagePage,
    NewMessage,
    SessionChanges,
)
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.conversations import chat_messages, chat_sessions

__all__ = ["SqlConversationStore", "fitting_count", "own_session", "row_as"]

T = TypeVar("T", bound=msgspec.Struct)


class SqlConversationStore:
    """`gatewayz.domain.conversations.conversations.ConversationStore` on SQL."""

    def __init__(self, database: Database, limits: KeptLimits | None = None) -> None:
        self._database = database
        self._limits = limits or KeptLimits()

    async def add_session(self, user_id: int, title: str, model: str | None, now: datetime) -> ChatSession:
        """Make a session. Raises Conflict for a user who has as many as can be kept."""
        values = {"user_id": user_id, "title": title, "model": model, "created_at": now, "updated_at": now}
        statement = insert(chat_sessions).values(**values, is_active=True).returning(chat_sessions)
        own = (chat_sessions.c.user_id == user_id, chat_sessions.c.is_active)
        count = select(func.count()).select_from(chat_sessions).where(*own)

        def work(session: Session) -> ChatSession:
            if session.execute(count).scalar_one() >= self._limits.sessions:
                raise Conflict(
                    f"You have {self._limits.sessions} chat sessions, which is all that is kept: delete some first.",
                    code="TOO_MANY_SESSIONS",
                )
            return row_as(ChatSession, session.execute(statement).mappings().one())

        return await self._database.write(work)

    async def find_session(self, user_id: int, session_id: int) -> ChatSession | None:
        """Return a user's session."""
        statement = select(chat_sessions).where(*own_session(user_id, session_id))
        return await self._database.read(lambda session: _one(session, statement))

    async def list_sessions(
        self, user_id: int, *, before: int | None, offset: int, limit: int
    ) -> Sequence[ChatSession]:
        """Return a user's sessions with ids below `before`, newest first."""
        statement = select(chat_sessions).where(chat_sessions.c.user_id == user_id, chat_sessions.c.is_active)
        if before is not None:
            statement = statement.where(chat_sessions.c.id < before)
        statement = statement.order_by(chat_sessions.c.id.desc()).offset(offset).limit(limit)
        return await self._database.read(
            lambda session: [row_as(ChatSession, row) for row in session.execute(statement).mappings()]
        )

    async def change_session(
        self, user_id: int, session_id: int, changes: SessionChanges, now: datetime
    ) -> ChatSession | None:
        """Change a user's session, None when there is none."""
        values = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
        statement = _touched(user_id, session_id, now).values(**values).returning(chat_sessions)
        return await self._database.write(lambda session: _one(session, statement))

    async def delete_session(self, user_id: int, session_id: int, now: datetime) -> bool:
        """Take a user's session out of sight; False when there is none."""
        statement = _touched(user_id, session_id, now).values(is_active=False).returning(chat_sessions.c.id)
        return await self._database.write(lambda session: session.execute(statement).first() is not None)

    async def add_messages(
        self, user_id: int, session_id: int, messages: Sequence[NewMessage], now: datetime
    ) -> list[ChatMessage] | None:
        """Put messages at the end of a user's session, all or none; None when there is no such session.

        The session's row is locked first, so that the messages of two turns do not mix.
        Raises Conflict when the session would hold more than is kept.
        """
        touched = _touched(user_id, session_id, now).returning(chat_sessions.c.id)
        characters = sum(len(message.content) for message in messages)

        def work(session: Session) -> list[ChatMessage] | None:
            if session.execute(touched).first() is None:
                return None
            count, kept = session.execute(_size_of(session_id)).one()
            if count + len(messages) > self._limits.messages or kept + characters > self._limits.characters:
                raise Conflict(
                    f"A chat session holds at most {self._limits.messages} messages and {self._limits.characters} "
                    "characters: begin another one.",
                    code="SESSION_FULL",
                    param="session_id",
                )
            return [_added(session, session_id, message, now) for message in messages]

        return await self._database.write(work)

    async def list_messages(
        self, user_id: int, session_id: int, *, before: int | None, limit: int
    ) -> MessagePage | None:
        """Return the newest messages with ids below `before`: at most `limit`, and no more text than is read at once.

        None when the user has no such session.
        """
        owned = select(chat_sessions.c.id).where(*own_session(user_id, session_id))
        in_session = chat_messages.c.session_id == session_id
        wanted = (in_session,) if before is None else (in_session, chat_messages.c.id < before)
        newest = select(chat_messages.c.id, func.length(chat_messages.c.content)).where(*wanted)
        newest = newest.order_by(chat_messages.c.id.desc()).limit(limit + 1)

        def work(session: Session) -> MessagePage | None:
            if session.execute(owned).first() is None:
                return None
            sizes = list(session.execute(newest))
            count = fitting_count([size for _, size in sizes[:limit]], self._limits.read_characters)
            total, characters = session.execute(_size_of(session_id)).one()
            messages: list[ChatMessage] = []
            if count:
                page = select(chat_messages).where(*wanted, chat_messages.c.id >= sizes[count - 1][0])
                rows = session.execute(page.order_by(chat_messages.c.id)).mappings()
                messages = [row_as(ChatMessage, row) for row in rows]
            return MessagePage(messages=messages, total=total, characters=int(characters), has_older=count < len(sizes))

        return await self._database.read(work)

    async def find_message(self, user_id: int, message_id: int) -> ChatMessage | None:
        """Return a message of a user's session."""
        statement = (
            select(chat_messages)
            .join(chat_sessions, chat_sessions.c.id == chat_messages.c.session_id)
            .where(chat_messages.c.id == message_id, chat_sessions.c.user_id == user_id, chat_sessions.c.is_active)
        )

        def work(session: Session) -> ChatMessage | None:
            row = session.execute(statement).mappings().one_or_none()
            return None if row is None else row_as(ChatMessage, row)

        return await self._database.read(work)

    async def totals(self, user_id: int) -> ChatTotals:
        """Return figures over a user's sessions."""
        own = (chat_sessions.c.user_id == user_id, chat_sessions.c.is_active)
        sessions = select(func.count()).select_from(chat_sessions).where(*own)
        messages = (
            select(func.count(), func.coalesce(func.sum(chat_messages.c.tokens), 0))
            .select_from(chat_messages)
            .join(chat_sessions, chat_sessions.c.id == chat_messages.c.session_id)
            .where(*own)
        )

        def work(session: Session) -> ChatTotals:
            count, tokens = session.execute(messages).one()
            return ChatTotals(sessions=session.execute(sessions).scalar_one(), messages=count, tokens=int(tokens))

        return await self._database.read(work)


def own_session(user_id: int, session_id: int) -> tuple[ColumnElement[bool], ...]:
    """Return what makes a session one that the user can see."""
    table = chat_sessions.c
    return table.id == session_id, table.user_id == user_id, table.is_active.is_(True)


def fitting_count(sizes: Sequence[int], room: int) -> int:
    """Return how many texts fit into so many characters, from the first on; one does in any case."""
    for count, size in enumerate(sizes):
        room -= size
        if room < 0:
            return max(count, 1)
    return len(sizes)


def row_as(type: type[T], row: Any) -> T:
    """Return a row as a record whose fields are named like its columns; other columns are left out."""
    return type(**{name: row[name] for name in type.__struct_fields__})


def _touched(user_id: int, session_id: int, now: datetime) -> Any:
    return update(chat_sessions).where(*own_session(user_id, session_id)).values(updated_at=now)


def _size_of(session_id: int) -> Any:
    """Return what selects how many messages a session has, and their characters."""
    characters = func.coalesce(func.sum(func.length(chat_messages.c.content)), 0)
    return select(func.count(), characters).where(chat_messages.c.session_id == session_id)


def _one(session: Session, statement: Any) -> ChatSession | None:
    row = session.execute(statement).mappings().one_or_none()
    return None if row is None else row_as(ChatSession, row)


def _added(session: Session, session_id: int, message: NewMessage, now: datetime) -> ChatMessage:
    values = msgspec.structs.asdict(message) | {"session_id": session_id, "created_at": message.created_at or now}
    statement = insert(chat_messages).values(**values).returning(chat_messages)
    return row_as(ChatMessage, session.execute(statement).mappings().one())
