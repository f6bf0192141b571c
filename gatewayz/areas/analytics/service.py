"""Events into the log and out of it; figures of the response cache. Source: spec 05 §7."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

import msgspec

from gatewayz.areas.analytics.schema import EventBody, SessionBody
from gatewayz.domain.analytics.event_log import EventLog, NewEvent
from gatewayz.sdk.errors import SchemaInvalid
from gatewayz.sdk.money import usd_float
from gatewayz.store.analytics_records import AnalyticsEvent
from gatewayz.store.cache_records import CacheTotals
from gatewayz.store.moment_id import moment_of

__all__ = ["MONTH_DAYS", "CacheSwitches", "cache_report", "cache_summary", "show_event", "start_session", "take_events"]

_METADATA_BYTES: Final = 4096
_NO_CACHE: Final = "The response cache is switched off: every request is answered by a provider."
_NOT_FOR_YOU: Final = "The response cache is on for users who allow it, by PUT /user/cache-settings."
_ON: Final = "Calls that were answered well before are answered from the response cache."
MONTH_DAYS: Final = 30


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


class CacheSwitches(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the gateway's response cache is on, and whether the caller's calls may use it."""

    system: bool
    caller: bool


def cache_report(totals: CacheTotals, days: int, now: datetime, switches: CacheSwitches) -> dict[str, Any]:
    """Return what the response cache did in the last days (16.4): for the caller, or everybody without a key."""
    models = [
        {"model": each.model, "cache_hits": each.hits, "savings_usd": usd_float(each.saved)} for each in totals.models
    ]
    return {
        "period_days": days,
        "start_date": (now - timedelta(days=days)).date(),
        "end_date": now.date(),
        "top_cached_models": models,
        **cache_summary(totals, totals.saved * MONTH_DAYS // days, switches),
    }


def cache_summary(totals: CacheTotals, monthly: int, switches: CacheSwitches) -> dict[str, Any]:
    """Return what it did altogether, as long as the usage log is kept (16.5).

    :param monthly: nano-dollars that a month saves.
    """
    asked = totals.hits + totals.misses
    message = _ON if switches.system and switches.caller else _NOT_FOR_YOU if switches.system else _NO_CACHE
    return {
        "cache_enabled": switches.system and switches.caller,
        "system_enabled": switches.system,
        "message": message,
        "total_requests": asked,
        "cache_hits": totals.hits,
        "cache_misses": totals.misses,
        "cache_hit_rate_percent": round(totals.hits * 100 / asked, 2) if asked else 0.0,
        "total_savings_usd": usd_float(totals.saved),
        "estimated_monthly_savings_usd": usd_float(monthly),
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
