"""The one record of traffic, as everyone reads it. Source: design 9; docs/observation.md."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import ceil
from typing import TYPE_CHECKING, Final

import msgspec

from gatewayz.config.sections.observing import Observation as ObservationSettings
from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.conditions import condition_of, joint_condition
from gatewayz.domain.observation.history import Found, History
from gatewayz.domain.observation.minutes import KEPT_MINUTES, Key
from gatewayz.domain.observation.recorder import Recorder
from gatewayz.domain.observation.reuse import Reuse
from gatewayz.domain.observation.spans import DAY, HOUR, MINUTE
from gatewayz.domain.observation.traffic import NOBODY, Condition, OfferState, Step, Tally, Traffic, TrafficPoint
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.observe import Attempt, Settlement
from gatewayz.store.observation_records import ObservationStore

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["Observation"]

_SECONDS: Final[Mapping[Step, int]] = {"minute": MINUTE, "hour": HOUR, "day": DAY}

_log = logging.getLogger("gatewayz.observation")


class Observation:
    """`gatewayz.domain.observation.traffic.TrafficView`, and what it is told.

    :param store: without one, the last hour of this process is all there is.
    :param process: a name that no other process has.
    """

    def __init__(
        self,
        clock: Clock,
        settings: ObservationSettings,
        store: ObservationStore | None = None,
        *,
        process: str = "",
    ) -> None:
        self._clock = clock
        self._process = process
        self._rules = settings.conditions
        self._recorder = Recorder(clock, max_offers=settings.max_offers, lifetime_offers=settings.metrics.max_offers)
        self._reuse = Reuse(clock)
        self._history = None if store is None else History(store, clock, self._recorder, settings, process=process)

    def record_attempt(self, attempt: Attempt) -> None:
        """Note a call to a provider; never waits, never raises."""
        self._recorder.record_attempt(attempt)

    def record_settlement(self, settlement: Settlement) -> None:
        """Note a request's end; never waits, never raises."""
        self._recorder.record_settlement(settlement)

    def record_probe(
        self, provider: str, model: str, *, ok: bool, duration_ms: float | None = None, error_code: str | None = None
    ) -> None:
        """Count a look at an offer that was no customer's request; its facts and condition follow from it too."""
        self._recorder.record_probe(provider, model, ok=ok, duration_ms=duration_ms, error_code=error_code)

    async def run(self) -> None:
        """Count what is noted until cancelled; the application runs this beside the requests."""
        await self._recorder.run()

    @property
    def pending(self) -> int:
        """How many events are noted and not counted yet."""
        return self._recorder.pending

    async def exchange(self) -> None:
        """Write what has changed and take in what other processes wrote. Raises StoreUnavailable.

        Meant to be repeated every few seconds; a crash loses what came after the last time.
        """
        if self._history is not None:
            await self._history.write()
            await self._history.hear()

    async def share(self, redis: "Redis", every_s: float) -> None:
        """Exchange the running minutes with other processes through Redis until cancelled."""
        from gatewayz.domain.observation.share import TrafficShare  # noqa: PLC0415  (only where Redis is configured)

        await TrafficShare(self._recorder, redis, self._clock, process=self._process).run(every_s)

    async def aclose(self) -> None:
        """Write what is left; what cannot be written is lost, and logged."""
        if self._history is not None:
            try:
                await self._history.write()
            except StoreUnavailable as err:
                _log.error("the last observations were lost: %s", err.message)

    def states(self) -> Mapping[tuple[str, str], OfferState]:
        """Return the newest facts by (provider, model), for every offer that was ever called or probed; at once."""
        self._recorder.fold()
        return self._reuse.get("states", self._version(), self._judge)

    def condition(self, *, provider: str | None = None, model: str | None = None) -> Condition:
        """Return how an offer, a model over all its providers, or a provider over all its models is doing; at once."""
        states = self.states()
        if provider is not None and model is not None:
            state = states.get((provider, model))
            return "unknown" if state is None else state.condition
        joint = self._reuse.get("joint", self._version(), lambda: _joint(states.values()))
        return joint.get((provider, model), "unknown")

    def recent(self, minutes: int = 60) -> Sequence[Traffic]:
        """Return each offer's traffic of the last whole minutes (at most 60) and of the running one, at once."""
        self._recorder.fold()
        minutes = max(1, min(minutes, KEPT_MINUTES - 1))
        return self._reuse.get(("recent", minutes), self._version(), lambda: _traffic(self._window(minutes)))

    def tallies(self, minutes: int = 60) -> Mapping[str, Sequence[Tally]]:
        """Return each provider's last minutes (at most 60) that had any good or bad, oldest first, at once."""
        self._recorder.fold()
        minutes = max(1, min(minutes, KEPT_MINUTES - 1))
        return self._reuse.get(("tallies", minutes), self._version(), lambda: self._tally(minutes))

    def recent_series(self, minutes: int = 60) -> Sequence[TrafficPoint]:
        """Return each provider's traffic of each of the last minutes (at most 60), oldest first, at once."""
        self._recorder.fold()
        minutes = max(1, min(minutes, KEPT_MINUTES - 1))
        return self._reuse.get(("series", minutes), self._version(), lambda: self._by_minute(minutes))

    def lifetime(self) -> Mapping[Key, Bucket]:
        """Return what this process has counted since it started, by offer; to be read at once, not to be changed."""
        self._recorder.fold()
        return self._recorder.lifetime.sums()

    async def between(
        self, start: datetime, end: datetime, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[Traffic]:
        """Return each offer's traffic of a span, to the minute (to the day for long ago). Raises StoreUnavailable."""
        sums: dict[Key, Bucket] = {}
        async for _, key, bucket in self._found(start, end, DAY, provider, model):
            sums.setdefault(key, Bucket()).merge(bucket)
        return _traffic(sums)

    async def series(
        self, start: datetime, end: datetime, step: Step, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[TrafficPoint]:
        """Return each offer's traffic of each step that had any, oldest first. Raises StoreUnavailable."""
        seconds = _SECONDS[step]
        sums: dict[tuple[int, Key], Bucket] = {}
        async for at, key, bucket in self._found(start, end, seconds, provider, model):
            sums.setdefault((at - at % seconds, key), Bucket()).merge(bucket)
        return [
            TrafficPoint(start=datetime.fromtimestamp(at, UTC), traffic=bucket.traffic(*key))
            for (at, key), bucket in sorted(sums.items(), key=lambda item: item[0])
        ]

    def _found(self, start: datetime, end: datetime, coarsest: int, provider: str | None, model: str | None) -> Found:
        if self._history is not None:
            return self._history.between(start, end, coarsest=coarsest, provider=provider, model=model)
        return self._remembered(start, end, provider, model)

    async def _remembered(self, start: datetime, end: datetime, provider: str | None, model: str | None) -> Found:
        self._recorder.fold()
        first, last = int(start.timestamp()) // MINUTE, ceil(end.timestamp() / MINUTE) - 1
        for minute, key, bucket in self._recorder.minutes.between(first, last):
            if provider in (None, key[0]) and model in (None, key[1]):
                yield minute * MINUTE, key, bucket

    def _version(self) -> tuple[int, int]:
        return self._recorder.version, self._minute()

    def _minute(self) -> int:
        return int(self._clock.now().timestamp()) // MINUTE

    def _window(self, minutes: int) -> dict[Key, Bucket]:
        """Return the sums of whole minutes, added up once a minute, and the running one. They must not be changed."""
        now = self._minute()
        question = ("past", minutes, now)
        past = self._reuse.get(question, self._recorder.past_version, lambda: self._sums(now - minutes, now - 1))
        return past | {
            key: _sum(past[key], bucket) if key in past else bucket for key, bucket in self._sums(now, now).items()
        }

    def _sums(self, first: int, last: int) -> dict[Key, Bucket]:
        sums: dict[Key, Bucket] = {}
        for _, key, bucket in self._recorder.between(first, last):
            sums.setdefault(key, Bucket()).merge(bucket)
        return sums

    def _by_minute(self, minutes: int) -> Sequence[TrafficPoint]:
        now = self._minute()
        question = ("past series", minutes, now)
        past = self._reuse.get(question, self._recorder.past_version, lambda: self._points(now - minutes, now - 1))
        return [*past, *self._points(now, now)]

    def _points(self, first: int, last: int) -> Sequence[TrafficPoint]:
        sums: dict[tuple[int, str], Bucket] = {}
        for minute, (provider, _), bucket in self._recorder.between(first, last):
            sums.setdefault((minute, provider), Bucket()).merge(bucket)
        return [
            TrafficPoint(start=datetime.fromtimestamp(minute * MINUTE, UTC), traffic=bucket.traffic(provider, ""))
            for (minute, provider), bucket in sorted(sums.items(), key=lambda item: item[0])
        ]

    def _tally(self, minutes: int) -> Mapping[str, Sequence[Tally]]:
        now = self._minute()
        sums: dict[str, dict[int, Tally]] = {}
        for minute, (provider, _), bucket in self._recorder.between(now - minutes, now):
            good, bad = bucket.judged()
            if (good or bad) and provider != NOBODY:
                of_provider = sums.setdefault(provider, {})
                before = of_provider.get(minute, Tally(0, 0))
                of_provider[minute] = Tally(before.good + good, before.bad + bad)
        return {name: [found[minute] for minute in sorted(found)] for name, found in sums.items()}

    def _judge(self) -> Mapping[Key, OfferState]:
        now, window = self._clock.now(), self._window(self._rules.window_minutes)
        return {
            key: msgspec.structs.replace(facts, condition=condition_of(facts, window.get(key), now, self._rules))
            for key, facts in self._recorder.facts.items()
        }


def _sum(*parts: Bucket) -> Bucket:
    whole = Bucket()
    for part in parts:
        whole.merge(part)
    return whole


def _traffic(sums: Mapping[Key, Bucket]) -> Sequence[Traffic]:
    return [bucket.traffic(*key) for key, bucket in sums.items()]


def _joint(states: Iterable[OfferState]) -> Mapping[tuple[str | None, str | None], Condition]:
    """Return the conditions by (provider, None), (None, model) and (None, None)."""
    groups: dict[tuple[str | None, str | None], list[Condition]] = {}
    for state in states:
        for group in ((state.provider, None), (None, state.model)):
            groups.setdefault(group, []).append(state.condition)
    joint = {group: joint_condition(conditions) for group, conditions in groups.items()}
    joint[None, None] = joint_condition(joint[group] for group in groups if group[0] is not None)
    return joint
