"""The rules of chat sessions: whose they are, what a message may be, what is in front of a call.

Source: spec 01 §1.6, §6; docs/decisions/0165-sessions-keep-text.md.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Protocol

import msgspec

from gatewayz.domain.conversations.search_query import parse_query
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import Conflict, ResourceNotFound, SchemaInvalid
from gatewayz.store.conversation_records import (
    ChatMessage,
    ChatSession,
    ChatTotals,
    FoundText,
    KeptLimits,
    MessagePage,
    NewMessage,
    SessionChanges,
    TextQuery,
)

__all__ = [
    "MAX_MESSAGE_CHARACTERS",
    "ConversationSearch",
    "ConversationStore",
    "Conversations",
    "check_room",
    "session_missing",
]

MAX_MESSAGE_CHARACTERS: Final = 1_000_000
_KEPT: Final = KeptLimits()


class ConversationStore(Protocol):
    """What is needed of the store. Every method raises StoreUnavailable."""

    async def add_session(self, user_id: int, title: str, model: str | None, now: datetime) -> ChatSession:
        """Make a session. Raises Conflict for a user who has as many as can be kept."""
        ...

    async def find_session(self, user_id: int, session_id: int) -> ChatSession | None:
        """Return a user's session."""
        ...

    async def list_sessions(
        self, user_id: int, *, before: int | None, offset: int, limit: int
    ) -> Sequence[ChatSession]:
        """Return a user's sessions with ids below `before`, newest first."""
        ...

    async def change_session(
        self, user_id: int, session_id: int, changes: SessionChanges, now: datetime
    ) -> ChatSession | None:
        """Change a user's session, None when there is none."""
        ...

    async def delete_session(self, user_id: int, session_id: int, now: datetime) -> bool:
        """Take a user's session out of sight; False when there is none."""
        ...

    async def add_messages(
        self, user_id: int, session_id: int, messages: Sequence[NewMessage], now: datetime
    ) -> list[ChatMessage] | None:
        """Put messages at the end of a user's session, all or none; None when there is no such session.

        Raises Conflict when the session would hold more than is kept.
        """
        ...

    async def list_messages(
        self, user_id: int, session_id: int, *, before: int | None, limit: int
    ) -> MessagePage | None:
        """Return the newest messages with ids below `before`; None when there is no such session."""
        ...

    async def find_message(self, user_id: int, message_id: int) -> ChatMessage | None:
        """Return a message of a user's session."""
        ...

    async def totals(self, user_id: int) -> ChatTotals:
        """Return figures over a user's sessions."""
        ...


class ConversationSearch(Protocol):
    """Full-text search. Raises StoreUnavailable."""

    async def search(
        self, user_id: int, query: TextQuery, *, before: int | None, limit: int
    ) -> tuple[list[ChatSession], list[FoundText]]:
        """Return a user's sessions in which all terms occur, newest first, and where they do."""
        ...


class Conversations:
    """The service. Sessions of others are as if they were not there."""

    def __init__(self, store: ConversationStore, search: ConversationSearch, clock: Clock) -> None:
        self._store = store
        self._search = search
        self._clock = clock

    async def create(self, user_id: int, title: str | None, model: str | None) -> ChatSession:
        """Make a session; without a title it is named after the moment. Raises Conflict."""
        now = self._clock.now()
        return await self._store.add_session(user_id, title or f"Chat {now:%Y-%m-%d %H:%M:%S}", model, now)

    async def find(self, user_id: int, session_id: int) -> ChatSession:
        """Return a session. Raises ResourceNotFound."""
        return _there(await self._store.find_session(user_id, session_id))

    async def list_sessions(
        self, user_id: int, *, before: int | None, offset: int, limit: int
    ) -> Sequence[ChatSession]:
        """Return sessions with ids below `before`, newest first."""
        return await self._store.list_sessions(user_id, before=before, offset=offset, limit=limit)

    async def change(self, user_id: int, session_id: int, changes: SessionChanges) -> ChatSession:
        """Change a session. Raises ResourceNotFound."""
        return _there(await self._store.change_session(user_id, session_id, changes, self._clock.now()))

    async def delete(self, user_id: int, session_id: int) -> None:
        """Take a session out of sight, with its messages and links. Raises ResourceNotFound."""
        if not await self._store.delete_session(user_id, session_id, self._clock.now()):
            raise session_missing()

    async def add_messages(self, user_id: int, session_id: int, messages: Sequence[NewMessage]) -> list[ChatMessage]:
        """Put messages at the end of a session, all or none. Raises ResourceNotFound, Conflict (it is full)."""
        kept = await self._store.add_messages(user_id, session_id, [_storable(m) for m in messages], self._clock.now())
        if kept is None:
            raise session_missing()
        return kept

    async def list_messages(
        self, user_id: int, session_id: int, *, before: int | None = None, limit: int
    ) -> MessagePage:
        """Return the newest messages with ids below `before`. Raises ResourceNotFound."""
        found = await self._store.list_messages(user_id, session_id, before=before, limit=limit)
        if found is None:
            raise session_missing()
        return found

    async def find_message(self, user_id: int, message_id: int) -> ChatMessage | None:
        """Return a message of one of the user's sessions."""
        return await self._store.find_message(user_id, message_id)

    async def search(
        self, user_id: int, text: str, *, before: int | None, limit: int
    ) -> tuple[list[ChatSession], list[FoundText]]:
        """Return sessions with the words and phrases of a text in their title or in one message, newest first.

        Raises SchemaInvalid for a text without a letter or digit.
        """
        query = parse_query(text)
        if query is None:
            raise SchemaInvalid("query has no word to look for.", param="query")
        return await self._search.search(user_id, query, before=before, limit=limit)

    async def totals(self, user_id: int) -> ChatTotals:
        """Return figures over the user's sessions."""
        return await self._store.totals(user_id)


def check_room(page: MessagePage, asked: Sequence[str]) -> None:
    """Refuse a turn whose question, and an answer of any length, would not be kept. Raises Conflict."""
    characters = page.characters + sum(map(len, asked)) + MAX_MESSAGE_CHARACTERS
    if page.total + len(asked) + 1 > _KEPT.messages or characters > _KEPT.characters:
        raise Conflict("This chat session is full: begin another one.", code="SESSION_FULL", param="session_id")


def session_missing(param: str = "session_id") -> ResourceNotFound:
    """Return what is said of a session that is not there, or is another user's."""
    return ResourceNotFound("There is no such chat session.", code="SESSION_NOT_FOUND", param=param)


def _there(session: ChatSession | None) -> ChatSession:
    if session is None:
        raise session_missing()
    return session


def _storable(message: NewMessage) -> NewMessage:
    """Return a message within bounds; PostgreSQL keeps no NUL in text."""
    content = message.content[:MAX_MESSAGE_CHARACTERS].replace("\0", "\N{REPLACEMENT CHARACTER}")
    return msgspec.structs.replace(message, content=content)
