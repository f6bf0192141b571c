"""What the session routes take. Source: spec 01 §6."""

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatewayz.domain.conversations.conversations import MAX_MESSAGE_CHARACTERS
from gatewayz.store.conversation_records import MessageRole
from gatewayz.web.moments import EPOCH, check_moments

__all__ = [
    "ChatSearchBody",
    "ChatSessionBody",
    "MessageBatchBody",
    "MessageBody",
    "MessageQuery",
    "MessagesQuery",
    "NewChatSessionBody",
    "SessionsQuery",
    "StoredMessage",
]

_MAX_ID: Final = 2**53 - 1
Id = Annotated[int, Meta(ge=1, le=_MAX_ID)]
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
ModelName = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]
Content = Annotated[str, Meta(min_length=1, max_length=MAX_MESSAGE_CHARACTERS, pattern=r"^[^\x00]*$")]
Tokens = Annotated[int, Meta(ge=0, le=_MAX_ID)]


class NewChatSessionBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/chat/sessions`."""

    title: Title | None = None
    """Without one it is named after the moment."""
    model: ModelName | None = None


class ChatSessionBody(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /v1/chat/sessions/{id}`; what is not sent stays."""

    title: Title | UnsetType = UNSET
    model: ModelName | UnsetType | None = UNSET


class SessionsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/chat/sessions`."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    offset: Annotated[int, Meta(ge=0, le=_MAX_ID)] = 0
    cursor: Id | None = None
    """`next_cursor` of the page before."""


class MessagesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/chat/sessions/{id}`: which of its messages."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 500
    cursor: Id | None = None
    """`next_cursor` of the page before: older messages."""


class StoredMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be kept."""

    role: MessageRole
    content: Content
    model: ModelName | None = None
    tokens: Tokens | None = None
    created_at: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name, or before 1970."""
        check_moments(self, since=EPOCH)


class MessageBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST …/messages`; role and content may come in the query instead."""

    role: MessageRole | None = None
    content: Content | None = None
    model: ModelName | None = None
    tokens: Tokens | None = None
    created_at: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name, or before 1970."""
        check_moments(self, since=EPOCH)


class MessageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The same, as older clients send it."""

    role: MessageRole | None = None
    content: Content | None = None


class MessageBatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST …/messages/batch`; each message is judged on its own."""

    messages: Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=500)]


class ChatSearchBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/chat/search`."""

    query: Annotated[str, Meta(min_length=1, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    cursor: Id | None = None
    """`next_cursor` of the page before."""
