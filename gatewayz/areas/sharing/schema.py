"""What the sharing routes take. Source: spec 01 §8."""

from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatewayz.web.moments import check_moments

__all__ = ["ShareBody", "SharesQuery"]

_MAX_ID: Final = 2**53 - 1
Id = Annotated[int, Meta(ge=1, le=_MAX_ID)]
SentId = Id | Annotated[str, Meta(pattern="^[1-9][0-9]{0,14}$")]
"""Clients keep ids as text, too."""


class ShareBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/chat/share`."""

    session_id: SentId
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name."""
        check_moments(self)


class SharesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/chat/share`."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
    offset: Annotated[int, Meta(ge=0, le=_MAX_ID)] = 0
    cursor: Id | None = None
    """`next_cursor` of the page before."""
