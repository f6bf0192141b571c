from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from gatewayz.config.sections.errors import ErrorMonitor
from gatewayz.domain.error_patterns.error_patterns import ErrorPatterns
from gatewayz.domain.error_patterns.pattern import LoggedError, Origin, Pattern
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.observe import Settlement
from gatewayz.store.error_records import PatternRow
from tests.fakes.clock import FakeClock
from tests.fakes.settlements import attempt, settlement


class FakeErrorStore:
    def __init__(self) -> None:
        self.rows: dict[str, PatternRow] = {}
        self.is_away = False

    async def add(self, rows: Sequence[PatternRow]) -> None:
        self._look()
        for row in rows:
            known = self.rows.get(row.fingerprint, row)
            count = row.count + (known.count if known is not row else 0)
            newer = row if row.last_ms >= known.last_ms else known
            self.rows[row.fingerprint] = PatternRow(
                fingerprint=row.fingerprint,
                count=count,
                first_ms=min(row.first_ms, known.first_ms),
                last_ms=newer.last_ms,
                facts=newer.facts,
            )

    async def list_patterns(self, *, since_ms: int, limit: int) -> Sequence[PatternRow]:
        self._look()
        found = [row for row in self.rows.values() if row.last_ms >= since_ms]
        return sorted(found, key=lambda row: -row.last_ms)[:limit]

    async def prune(self, before_ms: int, keep: int) -> int:
        return 0

    def _look(self) -> None:
        if self.is_away:
            raise StoreUnavailable("away")


def make(store: FakeErrorStore, clock: FakeClock, **rules: Any) -> ErrorPatterns:
    return ErrorPatterns(store, clock, ErrorMonitor(**rules))


def refused(provider: str = "openai", **more: Any) -> Settlement:
    code = "PROVIDER_AUTHENTICATION_ERROR"
    failure = attempt(provider, outcome="fault", error_code=code, provider_status=401)
    return settlement(**{"attempts": (failure, attempt("other")), **more})


def one(errors: ErrorPatterns) -> Pattern:
    (pattern,) = errors.patterns()
    return pattern


async def test_alike_errors_are_one_pattern_with_its_count_and_latest_examples() -> None:
    clock = FakeClock()
    errors = make(FakeErrorStore(), clock)
    first = clock.now()
    for number in range(5):
        errors.record_settlement(refused(request_id=f"req_{number}"))
        clock.advance(1)
    pattern = one(errors)
    assert (pattern.count, pattern.first_seen, pattern.last_seen) == (5, first, first + timedelta(seconds=4))
    assert [example.request_id for example in pattern.examples] == ["req_4", "req_3", "req_2"]


async def test_good_requests_cost_nothing() -> None:
    errors = make(FakeErrorStore(), FakeClock())
    errors.record_settlement(settlement())
    assert errors.patterns() == []


async def test_processes_add_up_and_a_new_one_finds_it_all() -> None:
    store, clock = FakeErrorStore(), FakeClock()
    left, right = make(store, clock), make(store, clock)
    for errors, count in ((left, 2), (right, 3)):
        for _ in range(count):
            errors.record_settlement(refused())
    for errors in (left, right, left, right):
        await errors.exchange()
    assert one(left).count == one(right).count == 5
    left.record_settlement(refused())
    assert (one(left).count, one(right).count) == (6, 5)
    await left.aclose()
    fresh = make(store, clock)
    await fresh.exchange()
    assert one(fresh).count == 6 and one(fresh).seen == one(left).seen
    await left.exchange()
    assert one(left).count == 6


async def test_a_lost_database_loses_nothing_that_there_is_room_for() -> None:
    store, clock = FakeErrorStore(), FakeClock()
    errors = make(store, clock)
    errors.record_settlement(refused())
    await errors.exchange()
    assert errors.is_shared
    store.is_away = True
    errors.record_settlement(refused())
    with pytest.raises(StoreUnavailable):
        await errors.exchange()
    errors.record_settlement(refused())
    assert (one(errors).count, errors.is_shared) == (3, False)
    store.is_away = False
    await errors.exchange()
    assert (one(errors).count, errors.is_shared) == (3, True)
    assert [row.count for row in store.rows.values()] == [3]


async def test_patterns_have_a_bound() -> None:
    store, clock = FakeErrorStore(), FakeClock()
    errors = make(store, clock, max_patterns=3)
    for number in range(5):
        errors.record_settlement(refused(f"p{number}"))
    assert len(errors.patterns()) == 3 and errors.dropped == 2
    await errors.exchange()
    clock.advance(1)
    errors.record_settlement(refused("newest"))
    await errors.exchange()
    assert len(errors.patterns()) == 3 and errors.patterns()[0].seen.provider == "newest"


async def test_what_was_not_seen_for_long_is_not_shown() -> None:
    clock = FakeClock()
    errors = make(FakeErrorStore(), clock, keep_days=1)
    errors.record_settlement(refused())
    await errors.exchange()
    clock.advance(3600)
    assert errors.patterns(since=clock.now() - timedelta(minutes=30)) == []
    assert len(errors.patterns(since=clock.now() - timedelta(hours=1))) == 1
    clock.advance(24 * 3600)
    assert errors.patterns() == []


async def test_log_lines_keep_where_they_are_from() -> None:
    clock, store = FakeClock(), FakeErrorStore()
    errors = make(store, clock)
    origin = Origin(file="gatewayz/a.py", line=7, function="f", stack_trace="Traceback")
    line = LoggedError(
        level=40,
        logger="gatewayz",
        template="request %s failed",
        detail="request req_1 failed",
        exception="KeyError",
        module="builtins",
        code=None,
        origin=origin,
    )
    errors.record_logged(line)
    await errors.exchange()
    fresh = make(store, clock)
    await fresh.exchange()
    pattern = one(fresh)
    assert pattern.origin == origin and pattern.examples[0].detail == "request req_1 failed"
