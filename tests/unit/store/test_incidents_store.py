from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from gatewayz.store.incident_records import WHOLE, Incident, IncidentFilter, IncidentTotals, Opening, Subject
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(minutes=10)
EVERY = IncidentFilter()


def opening(provider: str = "a", model: str = "x/one", **more: Any) -> Opening:
    fields: dict[str, Any] = {"severity": "low", "started_at": NOW, "error_code": "UPSTREAM_BROKEN", **more}
    return Opening(subject=Subject(provider, model), **fields)


async def opened(store: SqlStore, *openings: Opening) -> list[Incident]:
    await store.incidents.open(openings or [opening()], NOW)
    return list(await store.incidents.list_active())


def ended(incident: Incident, at: datetime = LATER, **more: Any) -> Incident:
    return msgspec.structs.replace(incident, resolved_at=at, updated_at=at, **more)


async def test_a_subject_has_one_active_incident(store: SqlStore) -> None:
    first = await opened(store, opening(), opening(model=WHOLE))
    assert [each.subject for each in first] == [("a", "x/one"), ("a", WHOLE)]
    await store.incidents.open([opening(severity="critical"), opening("b")], LATER)
    assert [each.subject for each in await store.incidents.list_active()] == [
        *(e.subject for e in first),
        ("b", "x/one"),
    ]
    assert first[0] == (await store.incidents.list_active())[0]
    await store.incidents.update([ended(first[0])])
    await store.incidents.open([opening()], LATER)
    assert await store.incidents.totals() == IncidentTotals(4, 3)


async def test_an_update_leaves_ended_ones_and_notes_of_people_alone(store: SqlStore) -> None:
    (one,) = await opened(store)
    assert await store.incidents.annotate(one.id, "We are on it.") is not None
    await store.incidents.update([msgspec.structs.replace(one, severity="high", error_count=7, notes="by the gateway")])
    (now,) = await store.incidents.list_active()
    assert (now.severity, now.error_count, now.notes) == ("high", 7, "We are on it.")
    await store.incidents.update([ended(now)])
    await store.incidents.update([msgspec.structs.replace(now, error_count=8)])
    found = await store.incidents.find(one.id)
    assert found is not None and (found.resolved_at, found.error_count) == (LATER, 7)


async def test_a_person_ends_it_once(store: SqlStore) -> None:
    (one,) = await opened(store)
    done = await store.incidents.annotate(one.id, "Planned.", resolved_at=LATER, actor="user:1")
    assert done is not None and (done.resolved_at, done.resolved_by, done.notes) == (LATER, "user:1", "Planned.")
    assert await store.incidents.annotate(one.id, "Again.", resolved_at=LATER, actor="user:2") is None
    assert await store.incidents.find(one.id) == done
    assert await store.incidents.annotate(one.id + 1, "Nobody's.") is None


async def test_newest_first_and_only_what_is_asked_for(store: SqlStore) -> None:
    old, middle, new = await opened(
        store,
        opening(severity="high"),
        opening("b", started_at=NOW + timedelta(minutes=1)),
        opening("b", "x/two", started_at=NOW + timedelta(minutes=2)),
    )
    gone = ended(middle)
    await store.incidents.update([gone])

    async def newest(limit: int = 10, **wanted: Any) -> list[Incident]:
        return list(await store.incidents.list_newest(IncidentFilter(**wanted), limit))

    assert await newest() == [new, gone, old]
    assert await newest(2) == [new, gone]
    assert await newest(is_active=True) == [new, old]
    assert await newest(is_active=False) == [gone]
    assert await newest(severity="high") == [old]
    assert await newest(provider="b", is_active=True) == [new]
    assert await newest(since=LATER + timedelta(seconds=1)) == [new, old]


async def test_when_a_subject_was_last_well_again(store: SqlStore) -> None:
    for minutes in (1, 5, 3):
        (one,) = await opened(store)
        await store.incidents.update([ended(one, NOW + timedelta(minutes=minutes))])
    assert await store.incidents.list_ends(NOW) == {("a", "x/one"): NOW + timedelta(minutes=5)}
    assert await store.incidents.list_ends(LATER) == {}
    await store.incidents.prune(NOW + timedelta(minutes=4))
    assert await store.incidents.totals() == IncidentTotals(1, 0)


async def test_none_ends_before_it_begins(store: SqlStore) -> None:
    (one,) = await opened(store)
    with pytest.raises(Exception, match="resolved_at"):
        await store.incidents.update([ended(one, NOW - timedelta(seconds=1))])
