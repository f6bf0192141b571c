"""`/v1/analytics`. Source: spec 05 §7 (16.1 to 16.5). Events are answered with 200 whatever becomes of them."""

from typing import Final

from quart import Response

from gatewayz.areas.analytics.schema import BatchBody, CacheQuery, EventBody, EventsBody, EventsQuery, SessionBody
from gatewayz.areas.analytics.service import (
    MONTH_DAYS,
    CacheSwitches,
    cache_report,
    cache_summary,
    show_event,
    start_session,
    take_events,
)
from gatewayz.store.analytics_records import EventFilter
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def send_event(call: Call) -> Response:
    """Take one event (16.1)."""
    return _take(call, [await read_json(EventBody)])


async def send_events(call: Call) -> Response:
    """Take many (16.2)."""
    body: list[EventBody] | EventsBody = await read_json(BatchBody)
    return _take(call, body.events if isinstance(body, EventsBody) else body)


async def begin_session(call: Call) -> Response:
    """Give a session its id (16.3)."""
    body = await read_json(SessionBody, default=SessionBody())
    return json_response(start_session(call.services.events, body, call.caller.user_id, enabled=_is_enabled(call)))


async def show_cache(call: Call) -> Response:
    """What the response cache did in the last days (16.4)."""
    days = read_query(CacheQuery).days
    totals = await call.services.response_cache.totals(user_id=call.caller.user_id, days=days, models=_TOP_MODELS)
    return json_response(cache_report(totals, days, call.services.clock.now(), _cache_switches(call)))


async def show_cache_summary(call: Call) -> Response:
    """What it did altogether (16.5)."""
    cache, user_id = call.services.response_cache, call.caller.user_id
    ever, month = await cache.totals(user_id=user_id, days=None), await cache.totals(user_id=user_id, days=MONTH_DAYS)
    return json_response(cache_summary(ever, month.saved, _cache_switches(call)))


async def list_events(call: Call) -> Response:
    """Events, newest first, and how this process keeps up with writing them."""
    query, services = read_query(EventsQuery), call.services
    wanted = EventFilter(name=query.event_name, session_id=query.session_id, before=query.before, limit=query.limit)
    events = await services.store.analytics.list_events(wanted)
    return json_response(
        {
            "events": [show_event(event) for event in events],
            "next_before": events[-1].id if len(events) == query.limit else None,
            "queue": services.events.stats(),
        }
    )


def _cache_switches(call: Call) -> CacheSwitches:
    rules, mine = call.edition.settings.response_cache, call.caller.lets_answers_be_kept
    return CacheSwitches(system=rules.enabled, caller=rules.default_on if mine is None else mine)


def _take(call: Call, bodies: list[EventBody]) -> Response:
    return json_response(take_events(call.services.events, bodies, call.caller.user_id, enabled=_is_enabled(call)))


def _is_enabled(call: Call) -> bool:
    return call.edition.settings.analytics.enabled


_TOP_MODELS: Final = 10
_BASE: Final = "/v1/analytics"
_LIMIT: Final = "analytics"

ROUTES: Final = (
    Route(method="POST", path=f"{_BASE}/events", handler=send_event, guard="optional", limit=_LIMIT, body=EventBody),
    Route(method="POST", path=f"{_BASE}/batch", handler=send_events, guard="optional", limit=_LIMIT, body=BatchBody),
    Route(
        method="POST",
        path=f"{_BASE}/session/start",
        handler=begin_session,
        guard="optional",
        limit=_LIMIT,
        body=SessionBody,
    ),
    Route(method="GET", path=f"{_BASE}/cache", handler=show_cache, guard="optional", query=CacheQuery),
    Route(method="GET", path=f"{_BASE}/cache/summary", handler=show_cache_summary, guard="optional"),
    Route(method="GET", path="/admin/analytics/events", handler=list_events, guard="admin", query=EventsQuery),
)
