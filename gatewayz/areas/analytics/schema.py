"""What analytics routes take. Source: spec 05 §7."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

__all__ = ["MAX_EVENTS", "BatchBody", "CacheQuery", "EventBody", "EventsBody", "EventsQuery", "SessionBody"]

MAX_EVENTS: Final = 500
"""Of one batch."""
Name = Annotated[str, Meta(min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]*$")]
SessionId = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]*$")]
UserName = Annotated[str, Meta(max_length=100, pattern=r"^[^\x00-\x1f]*$")]
Value = Annotated[str, Meta(max_length=1000)] | float | int | bool | None


class EventBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/analytics/events`."""

    event_name: Name
    user_id: UserName | int | None = None
    """Who it is about, in the client's words."""
    session_id: SessionId | None = None
    value: Value = None
    metadata: dict[str, Any] | None = None
    """At most 4,096 bytes of JSON."""


Events = Annotated[list[EventBody], Meta(max_length=MAX_EVENTS)]


class EventsBody(msgspec.Struct, frozen=True, kw_only=True):
    """A batch in an object."""

    events: Events


BatchBody: Any = Events | EventsBody
"""`POST /v1/analytics/batch`: an array, or an object with one."""


class SessionBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/analytics/session/start`."""

    platform: Name = "web"
    metadata: dict[str, Any] | None = None


class CacheQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/analytics/cache`."""

    days: Annotated[int, Meta(ge=1, le=90)] = 30


class EventsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/analytics/events`."""

    event_name: Name | None = None
    session_id: SessionId | None = None
    before: Annotated[int, Meta(ge=0, le=9223372036854775807)] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
