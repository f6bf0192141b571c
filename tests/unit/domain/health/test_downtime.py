from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from gatewayz.config.sections.health import Downtime as Rules
from gatewayz.domain.health.downtime import Downtime, find_gap, severity_of
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.downtime_records import Beat, DowntimeFilter, DowntimeKind, Incident
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GAP = timedelta(seconds=30)


def beat(process: str, ago: float, *, is_stopped: bool = False) -> Beat:
    at = NOW - timedelta(seconds=ago)
    stopped_at = at if is_stopped else None
    return Beat(process=process, host="h", version="1", started_at=at, beat_at=at, stopped_at=stopped_at)


@pytest.mark.parametrize(
    ("beats", "kind", "ago"),
    [
        ([], None, 0),
        ([beat("a", 29)], None, 0),
        ([beat("a", 31)], "crashed", 31),
        ([beat("a", 31, is_stopped=True)], "stopped", 31),
        ([beat("a", 500), beat("b", 5)], None, 0),
        ([beat("a", 500), beat("b", 90, is_stopped=True)], "stopped", 90),
        ([beat("a", 95), beat("b", 90, is_stopped=True)], "crashed", 90),
    ],
)
def test_a_gap_is_the_time_in_which_nothing_ran(beats: list[Beat], kind: str | None, ago: float) -> None:
    found = find_gap(beats, NOW, GAP)
    assert (found.kind if found else None) == kind
    assert found is None or found.began == NOW - timedelta(seconds=ago)


@pytest.mark.parametrize(
    ("kind", "minutes", "severity"),
    [
        ("stopped", 600, "low"),
        ("crashed", 1, "high"),
        ("crashed", 15, "critical"),
        ("database", 0.5, "medium"),
        ("database", 2, "high"),
        ("database", 20, "critical"),
    ],
)
def test_severity_follows_kind_and_length(kind: DowntimeKind, minutes: float, severity: str) -> None:
    assert severity_of(kind, timedelta(minutes=minutes)) == severity


class MemoryStore:
    def __init__(self) -> None:
        self.beats: dict[str, Beat] = {}
        self.incidents: list[Incident] = []
        self.is_away = False

    async def beat(self, beat: Beat) -> None:
        if self.is_away:
            raise StoreUnavailable("away")
        self.beats[beat.process] = beat

    async def list_beats(self) -> Sequence[Beat]:
        return list(self.beats.values())

    async def forget(self, *, beats_before: datetime, incidents_before: datetime) -> None:
        self.beats = {name: each for name, each in self.beats.items() if each.beat_at >= beats_before}

    async def open_incident(self, incident: Incident) -> int:
        self.incidents.append(msgspec.structs.replace(incident, id=len(self.incidents) + 1))
        return len(self.incidents)

    async def end_incident(self, incident_id: int, at: datetime, by: str, notes: str | None) -> bool:
        found = self.incidents[incident_id - 1]
        self.incidents[incident_id - 1] = msgspec.structs.replace(found, ended_at=at, status="resolved", resolved_by=by)
        return True

    async def list_incidents(self, wanted: DowntimeFilter, limit: int) -> Sequence[Incident]:
        return [
            each
            for each in self.incidents
            if wanted.kind in (None, each.kind)
            and wanted.status in (None, each.status)
            and (wanted.ended_after is None or each.ended_at is None or each.ended_at > wanted.ended_after)
        ]


class Place:
    def __init__(self) -> None:
        self.clock, self.store = FakeClock(), MemoryStore()

    def process(self, name: str) -> Downtime:
        now = self.clock.now()
        me = Beat(process=name, host="h", version="1", started_at=now, beat_at=now)
        return Downtime(self.store, self.clock, Rules(), me, environment="test")


async def test_the_first_to_come_back_notes_the_gap_and_the_next_one_does_not() -> None:
    place = Place()
    await place.process("a").announce()
    assert place.store.incidents == []
    place.clock.advance(100)
    await place.process("b").announce()
    await place.process("c").announce()
    (noted,) = place.store.incidents
    assert noted.ended_at is not None and (noted.kind, noted.status) == ("crashed", "resolved")
    assert noted.ended_at - noted.started_at == timedelta(seconds=100)


async def test_one_process_that_goes_on_is_no_downtime() -> None:
    place = Place()
    one, other = place.process("a"), place.process("b")
    await one.announce()
    await other.announce()
    await other.stop()
    for _ in range(20):
        place.clock.advance(5)
        await one.beat()
    await place.process("c").announce()
    assert place.store.incidents == []


async def test_a_database_that_was_away_is_noted_once_for_all_processes() -> None:
    place = Place()
    processes = [place.process("a"), place.process("b")]
    for each in processes:
        await each.announce()
    place.store.is_away = True
    for each in processes:
        with pytest.raises(StoreUnavailable):
            await each.beat()
    place.clock.advance(45)
    place.store.is_away = False
    for each in processes:
        await each.beat()
        assert each.has_lost_database
        await each.note_database()
        assert not each.has_lost_database
    (noted,) = place.store.incidents
    assert (noted.kind, noted.severity) == ("database", "medium")


async def test_a_short_hiccup_of_the_database_is_not_noted() -> None:
    place = Place()
    one = place.process("a")
    place.store.is_away = True
    with pytest.raises(StoreUnavailable):
        await one.beat()
    place.clock.advance(9)
    place.store.is_away = False
    await one.note_database()
    assert place.store.incidents == []


async def test_readiness_is_open_while_it_lasts_and_opened_once() -> None:
    place = Place()
    one, other = place.process("a"), place.process("b")
    await one.note_readiness(is_ready=False)
    await other.note_readiness(is_ready=False)
    assert [each.status for each in place.store.incidents] == ["ongoing"]
    place.clock.advance(5)
    await other.note_readiness(is_ready=True)
    assert [each.status for each in place.store.incidents] == ["resolved"]
