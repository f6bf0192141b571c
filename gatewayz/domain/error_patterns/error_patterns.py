"""The error monitor: takes errors at once, counts them behind the requests, and adds them up over processes.

Source: spec 05 §8; docs/error-monitor.md; docs/decisions/0159-error-patterns.md.
"""

from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from gatewayz.config.sections.errors import ErrorMonitor
from gatewayz.domain.error_patterns.classify import failures_of, of_attempt, of_logged, of_request
from gatewayz.domain.error_patterns.fingerprint import fingerprint
from gatewayz.domain.error_patterns.fixes import Fixes
from gatewayz.domain.error_patterns.pattern import ErrorSeen, Example, LoggedError, Origin, Pattern, merged
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.observe import Settlement
from gatewayz.store.error_records import ErrorPatternStore, PatternRow

__all__ = ["ErrorPatterns"]

_MAX_PENDING: Final = 10_000
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_OVERLAP: Final = timedelta(minutes=1)
"""How far clocks of processes may differ and nothing is missed."""


class _Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a row holds as JSON."""

    seen: ErrorSeen
    examples: tuple[Example, ...]
    origin: Origin | None = None


class ErrorPatterns:
    """What went wrong, in all processes as of the last exchange, and in this one until now."""

    def __init__(self, store: ErrorPatternStore, clock: Clock, rules: ErrorMonitor) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._pending: deque[tuple[datetime, Settlement | LoggedError]] = deque()
        self._known: dict[str, Pattern] = {}
        """As the store has them."""
        self._fresh: dict[str, Pattern] = {}
        """Not in the store yet."""
        self.fixes = Fixes({}, {})
        """Those of the configuration in force."""
        self.dropped = 0
        """Errors that this process had no room for."""
        self.exchanged_at: datetime | None = None
        self.is_shared = False
        """Whether the last exchange went well."""

    @property
    def is_enabled(self) -> bool:
        """Whether errors are recorded."""
        return self._rules.enabled

    @property
    def exchange_s(self) -> float:
        """Seconds between two exchanges."""
        return self._rules.exchange_s

    def record_settlement(self, settlement: Settlement) -> None:
        """Note what failed of a request; never waits, never raises."""
        if settlement.error_code is not None or any(failures_of(settlement)):
            self._note(settlement)

    def record_logged(self, logged: LoggedError) -> None:
        """Note a line of the log, from any thread."""
        self._note(logged)

    def patterns(self, *, since: datetime | None = None) -> list[Pattern]:
        """Return patterns seen at or after a moment, those seen last first."""
        self._fold()
        both = _added(self._known, self._fresh.values())
        kept = max(since or _EVER, self._clock.now() - timedelta(days=self._rules.keep_days))
        found = [pattern for pattern in both.values() if pattern.last_seen >= kept]
        found.sort(key=lambda pattern: (pattern.last_seen, pattern.fingerprint), reverse=True)
        return found[: self._rules.max_patterns]

    async def exchange(self) -> None:
        """Write what was seen here and read what was seen elsewhere. Raises StoreUnavailable."""
        self._fold()
        try:
            await self._write()
            await self._read()
        except StoreUnavailable:
            self.is_shared = False
            raise
        self.exchanged_at, self.is_shared = self._clock.now(), True

    async def aclose(self) -> None:
        """Write what is left; what cannot be written is lost."""
        with suppress(StoreUnavailable):
            self._fold()
            await self._write()

    async def prune(self) -> int:
        """Forget what is too old or too much; return how many patterns went. Raises StoreUnavailable."""
        before = self._clock.now() - timedelta(days=self._rules.keep_days)
        return await self._store.prune(_ms(before), self._rules.max_patterns)

    async def _write(self) -> None:
        if not self._fresh:
            return
        sent, self._fresh = self._fresh, {}
        try:
            await self._store.add([_row(pattern) for pattern in sent.values()])
        except StoreUnavailable:
            self._fresh = _added(sent, self._fresh.values())
            raise
        self._known = _added(self._known, sent.values())

    async def _read(self) -> None:
        oldest = self._clock.now() - timedelta(days=self._rules.keep_days)
        since = oldest if self.exchanged_at is None else self.exchanged_at - _OVERLAP
        rows = await self._store.list_patterns(since_ms=_ms(since), limit=self._rules.max_patterns)
        self._known |= {row.fingerprint: _pattern(row) for row in rows}
        if len(self._known) > self._rules.max_patterns:
            latest = sorted(self._known.values(), key=lambda pattern: pattern.last_seen, reverse=True)
            self._known = {each.fingerprint: each for each in latest[: self._rules.max_patterns]}

    def _note(self, event: Settlement | LoggedError) -> None:
        if len(self._pending) >= _MAX_PENDING:
            self.dropped += 1
            return
        self._pending.append((self._clock.now(), event))

    def _fold(self) -> None:
        for _ in range(len(self._pending)):
            at, event = self._pending.popleft()
            if isinstance(event, LoggedError):
                self._count(of_logged(event), Example(at=at, detail=event.detail), event.origin)
            else:
                self._count_request(event, at)

    def _count_request(self, settlement: Settlement, at: datetime) -> None:
        for attempt in failures_of(settlement):
            example = Example(at=at, request_id=settlement.request_id, model=attempt.offer.model)
            self._count(of_attempt(attempt), example)
        if (own := of_request(settlement)) is not None:
            example = Example(at=at, request_id=settlement.request_id, model=settlement.model or None)
            self._count(own, example)

    def _count(self, seen: ErrorSeen, example: Example, origin: Origin | None = None) -> None:
        name, at = fingerprint(seen), example.at
        known = self._fresh.get(name)
        if known is None and len(self._fresh) >= self._rules.max_patterns:
            self.dropped += 1
            return
        one = Pattern(
            fingerprint=name,
            seen=seen,
            count=1,
            first_seen=at,
            last_seen=at,
            examples=(example,),
            origin=origin,
        )
        self._fresh[name] = one if known is None else merged(known, one)


def _added(patterns: dict[str, Pattern], others: Iterable[Pattern]) -> dict[str, Pattern]:
    both = dict(patterns)
    for other in others:
        known = both.get(other.fingerprint)
        both[other.fingerprint] = other if known is None else merged(known, other)
    return both


def _row(pattern: Pattern) -> PatternRow:
    facts = _Facts(seen=pattern.seen, examples=pattern.examples, origin=pattern.origin)
    return PatternRow(
        fingerprint=pattern.fingerprint,
        count=pattern.count,
        first_ms=_ms(pattern.first_seen),
        last_ms=_ms(pattern.last_seen),
        facts=msgspec.json.encode(facts).decode(),
    )


def _pattern(row: PatternRow) -> Pattern:
    facts = msgspec.json.decode(row.facts, type=_Facts)
    return Pattern(
        fingerprint=row.fingerprint,
        seen=facts.seen,
        count=row.count,
        first_seen=_moment(row.first_ms),
        last_seen=_moment(row.last_ms),
        examples=facts.examples,
        origin=facts.origin,
    )


def _ms(moment: datetime) -> int:
    return (moment - _EVER) // timedelta(milliseconds=1)


def _moment(ms: int) -> datetime:
    return _EVER + timedelta(milliseconds=ms)
