"""The one record of traffic, as everyone reads it. Source: design 9; docs/observation.md."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from gatewayz.config.sections.observing import Observation as ObservationSettings
from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.conditions import condition_of, joint_condition
from gatewayz.domain.observation.minutes import KEPT_MINUTES, Key
from gatewayz.domain.observation.recorder import Recorder
from gatewayz.domain.observation.reuse import Reuse
from gatewayz.domain.observation.traffic import Condition, OfferState, Step, Traffic, TrafficPoint
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.observe import Attempt, Settlement

__all__ = ["Observation"]

_SECONDS: Final[Mapping[Step, int]] = {"minute": 60, "hour": 3600, "day": 86400}


class Observation:
    """`gatewayz.domain.observation.traffic.TrafficView`, and what it is told."""

    def __init__(self, clock: Clock, settings: ObservationSettings) -> None:
        self._clock = clock
        self._rules = settings.conditions
        self._recorder = Recorder(clock, max_offers=settings.max_offers)
        self._reuse = Reuse(clock)

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

    async def between(
        self, start: datetime, end: datetime, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[Traffic]:
        """Return each offer's traffic of a span, to the minute (to the day for long ago). Raises StoreUnavailable."""
        sums: dict[Key, Bucket] = {}
        for _, key, bucket in self._own(start, end, provider, model):
            sums.setdefault(key, Bucket()).merge(bucket)
        return _traffic(sums)

    async def series(
        self, start: datetime, end: datetime, step: Step, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[TrafficPoint]:
        """Return each offer's traffic of each step that had any, oldest first. Raises StoreUnavailable."""
        seconds = _SECONDS[step]
        sums: dict[tuple[int, Key], Bucket] = {}
        for minute, key, bucket in self._own(start, end, provider, model):
            sums.setdefault((minute * 60 // seconds * seconds, key), Bucket()).merge(bucket)
        return [
            TrafficPoint(start=datetime.fromtimestamp(at, UTC), traffic=bucket.traffic(*key))
            for (at, key), bucket in sorted(sums.items(), key=lambda item: item[0])
        ]

    def _own(
        self, start: datetime, end: datetime, provider: str | None, model: str | None
    ) -> Iterable[tuple[int, Key, Bucket]]:
        self._recorder.fold()
        first, last = int(start.timestamp()) // 60, -(-int(end.timestamp()) // 60) - 1
        for minute, key, bucket in self._recorder.minutes.between(first, last):
            if provider in (None, key[0]) and model in (None, key[1]):
                yield minute, key, bucket

    def _version(self) -> tuple[int, int]:
        return self._recorder.version, self._minute()

    def _minute(self) -> int:
        return int(self._clock.now().timestamp()) // 60

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
        for _, key, bucket in self._recorder.minutes.between(first, last):
            sums.setdefault(key, Bucket()).merge(bucket)
        return sums

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
