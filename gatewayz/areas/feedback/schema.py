"""What the feedback routes take. Source: spec 01 §7."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from gatewayz.store.feedback_records import FeedbackType

__all__ = ["FeedbackBody", "FeedbackChangeBody", "FeedbackPageQuery", "FeedbackQuery", "FeedbackStatsQuery"]

_MAX_ID: Final = 2**53 - 1
Id = Annotated[int, Meta(ge=1, le=_MAX_ID)]
SentId = Id | Annotated[str, Meta(pattern="^[1-9][0-9]{0,14}$")]
"""Clients keep ids as text, too."""
Rating = Annotated[int, Meta(ge=1, le=5)]
Comment = Annotated[str, Meta(max_length=5000, pattern=r"^[^\x00]*$")]
ModelName = Annotated[str, Meta(min_length=1, max_length=256, pattern=r"^[^\x00]*$")]


class FeedbackBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/chat/feedback`."""

    feedback_type: FeedbackType
    session_id: SentId | None = None
    message_id: SentId | None = None
    rating: Rating | None = None
    comment: Comment | None = None
    model: ModelName | None = None
    metadata: dict[str, Any] | None = None
    """At most 16 KiB as JSON."""


class FeedbackChangeBody(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /v1/chat/feedback/{id}`; what is not sent stays."""

    feedback_type: FeedbackType | UnsetType = UNSET
    rating: Rating | UnsetType | None = UNSET
    comment: Comment | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET


class FeedbackPageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which page."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    offset: Annotated[int, Meta(ge=0, le=_MAX_ID)] = 0
    cursor: Id | None = None
    """`next_cursor` of the page before."""


class FeedbackQuery(FeedbackPageQuery, frozen=True, kw_only=True):
    """`GET /v1/chat/feedback`."""

    feedback_type: FeedbackType | None = None
    session_id: Id | None = None
    model: ModelName | None = None


class FeedbackStatsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/chat/feedback/stats`."""

    model: ModelName | None = None
    days: Annotated[int, Meta(ge=1, le=365)] = 30
