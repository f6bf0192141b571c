"""Chat sessions as the store keeps them."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

__all__ = [
    "ChatMessage",
    "ChatSession",
    "ChatTotals",
    "FoundText",
    "FoundWhere",
    "KeptLimits",
    "MatchMarks",
    "MessagePage",
    "MessageRole",
    "NewMessage",
    "SessionChanges",
    "TextQuery",
]

MessageRole = Literal["system", "user", "assistant"]
FoundWhere = Literal["title", "message"]


class ChatSession(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that is kept for its user; a deleted one is not active."""

    id: int
    user_id: int
    title: str
    model: str | None
    created_at: datetime
    updated_at: datetime
    is_active: bool


class SessionChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change of a session; what is UNSET stays."""

    title: str | UnsetType = UNSET
    model: str | UnsetType | None = UNSET


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be kept."""

    role: MessageRole
    content: str
    model: str | None = None
    tokens: int | None = None
    """None is unknown."""
    is_complete: bool = True
    """False for an answer that was cut short: its caller left, or the provider broke off."""
    request_id: str | None = None
    """The call that it came from."""
    created_at: datetime | None = None
    """None is now."""


class ChatMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a session; in order of id is in order of the conversation."""

    id: int
    session_id: int
    role: MessageRole
    content: str
    model: str | None
    tokens: int | None
    is_complete: bool
    request_id: str | None
    created_at: datetime


class MessagePage(msgspec.Struct, frozen=True, kw_only=True):
    """Messages that follow each other, oldest first."""

    messages: list[ChatMessage]
    total: int
    """Messages of the whole session."""
    characters: int
    """Of all of them."""
    has_older: bool
    """Whether there are some before the first one here."""


class KeptLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept at most, and read at once."""

    sessions: int = 10_000
    """Of one user, deleted ones not counted."""
    messages: int = 10_000
    """Of one session."""
    characters: int = 10_000_000
    """Of one session."""
    read_characters: int = 4_000_000
    """Of one session, by one request; a single message is read whatever its length."""


class ChatTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over a user's sessions that are not deleted."""

    sessions: int
    messages: int
    tokens: int
    """Of the messages whose tokens are known."""


class TextQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Words and phrases that must all occur; of the last one the beginning of a word is enough, if `is_open`."""

    terms: tuple[str, ...]
    is_open: bool = True


class MatchMarks(msgspec.Struct, frozen=True, kw_only=True):
    """What stands before and after what was found, in excerpts."""

    before: str = "\x02"
    after: str = "\x03"


class FoundText(msgspec.Struct, frozen=True, kw_only=True):
    """Where a session has what was looked for: an excerpt with `MatchMarks` in it."""

    where: FoundWhere
    session_id: int
    message_id: int | None
    """None: in the title."""
    role: MessageRole | None
    excerpt: str
