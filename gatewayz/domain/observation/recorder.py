"""Counts what happens in this process, behind the requests.

A request pays for putting its events into a queue; they are counted in small groups by a job, or by
whoever reads first.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.facts import after_attempt, after_probe
from gatewayz.domain.observation.lifetime import Lifetime
from gatewayz.domain.observation.minutes import Key, Minutes, Names
from gatewayz.domain.observation.traffic import NOBODY, OfferState
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.observe import Attempt, Settlement

__all__ = ["Recorder"]

_FOLD_S: Final = 0.1
_GROUP: Final = 100
"""Events counted in one go: half a millisecond in which nothing else runs."""


class Recorder:
    """This process's minutes, and the newest facts of each offer from wherever they are known."""

    def __init__(self, clock: Clock, *, max_offers: int, lifetime_offers: int = 1_000) -> None:
        self._clock = clock
        self._max_offers = max_offers
        self._pending: deque[tuple[float, Attempt | Settlement]] = deque()
        """With the monotonic second of each: reading the wall clock once a group is enough."""
        self._is_pending = asyncio.Event()
        self._names = Names(max_offers)
        self.minutes: Minutes[Key] = Minutes()
        """Of this process."""
        self.lifetime = Lifetime(self.minutes, most=lifetime_offers)
        self._others: Minutes[tuple[str, str, str]] = Minutes()
        """By process, provider and model."""
        self.facts: dict[Key, OfferState] = {}
        self._changed: set[tuple[int, Key]] = set()
        self._changed_facts: set[Key] = set()
        self.version = 0
        """Grows with every change."""
        self.past_version = 0
        """Grows with changes of minutes that were over."""
        self._newest = 0

    def record_attempt(self, attempt: Attempt) -> None:
        """Note a call to a provider; never waits, never raises."""
        self._note(attempt)

    def record_settlement(self, settlement: Settlement) -> None:
        """Note a request's end; never waits, never raises."""
        self._note(settlement)

    def record_probe(
        self, provider: str, model: str, *, ok: bool, duration_ms: float | None = None, error_code: str | None = None
    ) -> None:
        """Count a look at an offer that was no customer's request."""
        now = self._clock.now()
        minute, key = _minute(now), (provider, model)
        self._bucket(minute, key).count_probe(ok=ok)
        self._learn(key, after_probe(self._known(key), now, ok=ok, duration_ms=duration_ms, error_code=error_code))

    async def run(self) -> None:
        """Count what is noted until cancelled."""
        while True:
            await self._is_pending.wait()
            await asyncio.sleep(_FOLD_S)
            self._is_pending.clear()
            while self._pending:
                self._fold(_GROUP)
                await asyncio.sleep(0)

    @property
    def pending(self) -> int:
        """How many events are noted and not counted yet."""
        return len(self._pending)

    def fold(self) -> None:
        """Count everything noted so far."""
        self._fold(len(self._pending))

    def adopt(self, state: OfferState) -> bool:
        """Take over facts of another process when they are newer than what is known; return whether they were."""
        key = (state.provider, state.model)
        known = self.facts.get(key)
        if known is not None and (state.last_called_at is None or not _is_before(known.last_called_at, state)):
            return False
        if known is None and len(self.facts) >= self._max_offers:
            return False
        self.facts[key] = state
        self.version += 1
        return True

    def hear(self, minute: int, key: tuple[str, str, str], bucket: Bucket) -> None:
        """Take over a minute of another process (process, provider, model)."""
        if self._others.put(minute, key, bucket):
            self._touch(minute)

    def between(self, first: int, last: int) -> Iterator[tuple[int, Key, Bucket]]:
        """Yield what is known of these minutes, both included, of all processes."""
        yield from self.minutes.between(first, last)
        for minute, (_, provider, model), bucket in self._others.between(first, last):
            yield minute, (provider, model), bucket

    def take_changes(self) -> tuple[set[tuple[int, Key]], set[Key]]:
        """Return the minutes of offers, and the offers whose facts, changed since this was asked last."""
        changes = self._changed, self._changed_facts
        self._changed, self._changed_facts = set(), set()
        return changes

    def put_back(self, minutes: set[tuple[int, Key]], facts: set[Key]) -> None:
        """Have changes told once more: they could not be written."""
        self._changed |= minutes
        self._changed_facts |= facts

    def _note(self, event: Attempt | Settlement) -> None:
        self._pending.append((self._clock.monotonic(), event))
        if not self._is_pending.is_set():
            self._is_pending.set()

    def _fold(self, most: int) -> None:
        count = min(most, len(self._pending))
        if not count:
            return
        now, monotonic = self._clock.now(), self._clock.monotonic()
        second = now.timestamp() - monotonic
        buckets: dict[tuple[int, Key], Bucket] = {}
        attempts: dict[Key, list[tuple[float, Attempt]]] = {}
        for _ in range(count):
            noted, event = self._pending.popleft()
            key = _tried_at(event) if isinstance(event, Attempt) else _ended_at(event)
            place = (int(second + noted) // 60, key)
            bucket = buckets.get(place)
            if bucket is None:
                bucket = buckets[place] = self._bucket(*place)
            if isinstance(event, Attempt):
                bucket.count_attempt(event)
                attempts.setdefault(key, []).append((noted, event))
            else:
                bucket.count_settlement(event)
        for key, events in attempts.items():
            self._learn_all(key, events, now - timedelta(seconds=monotonic))

    def _learn_all(self, key: Key, events: list[tuple[float, Attempt]], origin: datetime) -> None:
        """Take in one group's calls to an offer; of those that all went well, the last tells everything."""
        if all(event.outcome == "success" for _, event in events):
            events = events[-1:]
        state = self._known(key)
        for noted, event in events:
            state = after_attempt(state, event, origin + timedelta(seconds=noted))
        self._learn(key, state)

    def _bucket(self, minute: int, key: Key) -> Bucket:
        key = self._names.of(minute, key)
        self._changed.add((minute, key))
        self._touch(minute)
        return self.minutes.bucket(minute, key)

    def _touch(self, minute: int) -> None:
        self.version += 1
        if minute < self._newest:
            self.past_version += 1
        elif minute > self._newest:
            self._newest = minute
            self.lifetime.minute_began(minute)

    def _known(self, key: Key) -> OfferState:
        return self.facts.get(key) or OfferState(provider=key[0], model=key[1], condition="unknown")

    def _learn(self, key: Key, state: OfferState) -> None:
        if key in self.facts or len(self.facts) < self._max_offers:
            self.facts[key] = state
            self._changed_facts.add(key)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60


def _is_before(known: datetime | None, state: OfferState) -> bool:
    return known is None or (state.last_called_at is not None and known < state.last_called_at)


def _tried_at(attempt: Attempt) -> Key:
    return attempt.offer.provider, attempt.offer.model


def _ended_at(settlement: Settlement) -> Key:
    """Return the offer that was paid for, else the last one tried, else the model alone; so for what nobody made."""
    if settlement.cache == "hit":
        return NOBODY, settlement.model
    if settlement.charge is not None:
        return settlement.charge.offer.provider, settlement.charge.offer.model
    if settlement.attempts:
        offer = settlement.attempts[-1].offer
        return offer.provider, offer.model
    return NOBODY, settlement.model or settlement.requested_model
