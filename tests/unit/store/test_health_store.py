from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from gatewayz.store.downtime_records import Beat, DowntimeFilter, Incident
from gatewayz.store.health_records import ComponentReading
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def reading(name: str = "disk", place: str = "one", **more: Any) -> ComponentReading:
    fields: dict[str, Any] = {
        "kind": "disk",
        "state": "up",
        "latency_ms": None,
        "detail": "",
        "facts": {"free_mb": 7},
        "at": NOW,
        "since": NOW,
        "failures": 0,
    }
    return ComponentReading(name=name, place=place, **{**fields, **more})


def incident(**more: Any) -> Incident:
    fields: dict[str, Any] = {
        "kind": "crashed",
        "started_at": NOW,
        "detected_at": NOW + HOUR,
        "ended_at": NOW + HOUR,
        "status": "resolved",
        "severity": "high",
        "environment": "test",
        "error_message": "gone",
        "server_info": {"host": "one"},
        "created_at": NOW,
        "updated_at": NOW,
    }
    return Incident(**{**fields, **more})


async def test_the_newest_reading_of_each_place_is_kept(store: SqlStore) -> None:
    await store.health.keep(reading())
    newest = reading(state="down", latency_ms=1.5, at=NOW + HOUR, facts={}, failures=1)
    await store.health.keep(newest)
    await store.health.keep(reading(place="two"))
    assert list(await store.health.list_readings()) == [newest, reading(place="two")]


async def test_beats_replace_each_other_and_old_ones_are_forgotten(store: SqlStore) -> None:
    beat = Beat(process="p", host="one", version="1", started_at=NOW, beat_at=NOW)
    await store.downtime.beat(beat)
    later = msgspec.structs.replace(beat, beat_at=NOW + HOUR, stopped_at=NOW + HOUR)
    await store.downtime.beat(later)
    assert list(await store.downtime.list_beats()) == [later]
    await store.downtime.forget(beats_before=NOW + 2 * HOUR, incidents_before=NOW)
    assert list(await store.downtime.list_beats()) == []


async def test_incidents_are_found_counted_ended_once_and_forgotten(store: SqlStore) -> None:
    ongoing = incident(kind="readiness", started_at=NOW + HOUR, ended_at=None, status="ongoing", severity="medium")
    first, second = [await store.downtime.open_incident(each) for each in (incident(), ongoing)]
    listed = await store.downtime.list_incidents(DowntimeFilter(), 10)
    assert [each.id for each in listed] == [second, first]
    assert await store.downtime.find_incident(first) == incident(id=first)
    assert [each.id for each in await store.downtime.list_incidents(DowntimeFilter(severity="high"), 10)] == [first]
    assert [each.id for each in await store.downtime.list_incidents(DowntimeFilter(ended_after=NOW + HOUR), 10)] == [
        second
    ]
    assert await store.downtime.list_incidents(DowntimeFilter(environment="other"), 10) == []
    assert await store.downtime.count_incidents(DowntimeFilter()) == {"ongoing": 1, "resolved": 1}
    ends = NOW + 2 * HOUR
    assert await store.downtime.end_incident(second, ends, "user:1", "found it")
    assert not await store.downtime.end_incident(second, ends, "user:1", None)
    assert not await store.downtime.end_incident(999, ends, "user:1", None)
    ended = await store.downtime.find_incident(second)
    assert ended is not None and (ended.ended_at, ended.resolved_by, ended.notes) == (ends, "user:1", "found it")
    await store.downtime.forget(beats_before=NOW, incidents_before=NOW + HOUR + timedelta(seconds=1))
    assert [each.id for each in await store.downtime.list_incidents(DowntimeFilter(), 10)] == [second]
