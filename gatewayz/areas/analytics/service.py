"""Events into the log and out of it; figures of the response cache. Source: spec 05 §7."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec

from gatewayz.areas.analytics.schema import EventBody, SessionBody
from gatewayz.domain.analytics.event_log import EventLog, NewEvent
from gatewayz.sdk.errors import SchemaInvalid
from gatewayz.store.analytics_records import AnalyticsEvent
from gatewayz.store.moment_id import moment_of

__all__ = ["cache_report", "cache_summary", "show_event", "start_session", "take_events"]

_METADATA_BYTES: Final = 4096
_NO_CACHE: Final = "This gateway has no response cache: every request is answered by a provider."


def take_events(log: EventLog, bodies: Sequence[EventBody], user_id: int | None, *, enabled: bool) -> dict[str, Any]:
    """Return what became of events (16.1, 16.2). Raises SchemaInvalid (422), then none was taken."""
    events = [_event(body, user_id, f"[{index}].") for index, body in enumerate(bodies)]
    if not enabled:
        return {"success": True, "message": "Analytics is switched off: nothing is kept.", "accepted": 0}
    taken = log.record(events)
    if taken < len(events):
        message = f"{taken} of {len(events)} events were taken: too many are waiting to be written."
    else:
        message = f"{taken} {'event was' if taken == 1 else 'events were'} taken."
    return {"success": taken == len(events), "message": message, "accepted": taken}


def start_session(log: EventLog, body: SessionBody, user_id: int | None, *, enabled: bool) -> dict[str, Any]:
    """Return a new session's id (16.3); it is told as an event `session_start`. Raises SchemaInvalid (422)."""
    session_id = uuid4().hex
    metadata = {**(body.metadata or {}), "platform": body.platform}
    event = EventBody(event_name="session_start", session_id=session_id, metadata=metadata)
    answer = take_events(log, [event], user_id, enabled=enabled)
    if answer["accepted"]:
        answer["message"] = "The session has started."
    return {**answer, "session_id": session_id}


def show_event(event: AnalyticsEvent) -> dict[str, Any]:
    """Return an event as administrators see it."""
    return {
        "id": event.id,
        "event_name": event.name,
        "user_id": event.user_id,
        "claimed_user": event.claimed_user,
        "session_id": event.session_id,
        "value": _decoded(event.value),
        "metadata": _decoded(event.metadata),
        "created_at": moment_of(event.id),
    }


def cache_report(days: int, now: datetime) -> dict[str, Any]:
    """Return what the response cache did in the last days (16.4)."""
    start = (now - timedelta(days=days)).date()
    span = {"period_days": days, "start_date": start, "end_date": now.date(), "top_cached_models": []}
    return {**span, **cache_summary()}


def cache_summary() -> dict[str, Any]:
    """Return what the response cache did altogether (16.5): nothing was looked up in it, for there is none."""
    return {
        "cache_enabled": False,
        "system_enabled": False,
        "message": _NO_CACHE,
        "total_requests": 0,
        "cache_hits": 0,
        "cache_misses": 0,
        "cache_hit_rate_percent": 0.0,
        "total_savings_usd": 0.0,
        "estimated_monthly_savings_usd": 0.0,
    }


def _event(body: EventBody, user_id: int | None, place: str) -> NewEvent:
    metadata = None if body.metadata is None else msgspec.json.encode(body.metadata)
    if metadata is not None and len(metadata) > _METADATA_BYTES:
        raise SchemaInvalid(f"{place}metadata: More than {_METADATA_BYTES} bytes.", param=f"{place}metadata")
    return NewEvent(
        name=body.event_name,
        user_id=user_id,
        claimed_user=None if body.user_id is None else str(body.user_id)[:100],
        session_id=body.session_id,
        value=None if body.value is None else msgspec.json.encode(body.value).decode(),
        metadata=None if metadata is None else metadata.decode(),
    )


def _decoded(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
