"""What users think of answers, as the store keeps it."""

from datetime import datetime
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

__all__ = ["Feedback", "FeedbackChanges", "FeedbackFilter", "FeedbackTotals", "FeedbackType", "NewFeedback"]

FeedbackType = Literal["thumbs_up", "thumbs_down", "regenerate"]


class NewFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """Feedback to be kept."""

    feedback_type: FeedbackType
    session_id: int | None = None
    message_id: int | None = None
    rating: int | None = None
    """1 to 5."""
    comment: str | None = None
    model: str | None = None
    metadata: dict[str, Any] | None = None


class Feedback(NewFeedback, frozen=True, kw_only=True):
    """Feedback of a user."""

    id: int
    user_id: int
    created_at: datetime
    updated_at: datetime


class FeedbackChanges(msgspec.Struct, frozen=True, kw_only=True):
    """What to change; what is UNSET stays."""

    feedback_type: FeedbackType | UnsetType = UNSET
    rating: int | UnsetType | None = UNSET
    comment: str | UnsetType | None = UNSET
    metadata: dict[str, Any] | UnsetType | None = UNSET


class FeedbackFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which feedback is asked for; None is all."""

    feedback_type: FeedbackType | None = None
    session_id: int | None = None
    model: str | None = None
    before: int | None = None
    """Ids below this one."""


class FeedbackTotals(msgspec.Struct, frozen=True, kw_only=True):
    """Figures over one model's feedback."""

    model: str | None
    thumbs_up: int
    thumbs_down: int
    regenerate: int
    rated: int
    rating_sum: int

    @property
    def total(self) -> int:
        """How many there are."""
        return self.thumbs_up + self.thumbs_down + self.regenerate
