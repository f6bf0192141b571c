"""Traffic that a test makes up, read as endpoints read the real one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.traffic import Condition, OfferState, Step, Tally, Traffic, TrafficPoint
from gatewayz.sdk.clock import Clock

__all__ = ["FakeTraffic"]

Key = tuple[str, str]


class FakeTraffic:
    """A TrafficView of calls told to it; an offer is as healthy as its last call, or as `conditions` says."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: list[tuple[datetime, Key, Bucket]] = []
        self._states: dict[Key, OfferState] = {}
        self.conditions: dict[Key, Condition] = {}

    def call(
        self,
        provider: str,
        model: str,
        *,
        ms: float = 100.0,
        user: int | None = 1,
        tokens: tuple[int, int] = (10, 20),
        cost: int = 1000,
        is_fault: bool = False,
        ago: timedelta = timedelta(),
    ) -> None:
        """One request of one attempt, so long ago."""
        moment, bucket = self._clock.now() - ago, Bucket()
        bucket.attempts = bucket.requests = 1
        bucket.successes, bucket.faults, bucket.failed_requests = int(not is_fault), int(is_fault), int(is_fault)
        if user is not None:
            bucket.callers.add(user)
        if not is_fault:
            bucket.input_tokens, bucket.output_tokens = tokens
            bucket.cost = bucket.charged = cost
            bucket.output_ms = round(ms)
            bucket.latency.add(ms)
        self._calls.append((moment, (provider, model), bucket))
        self._states[provider, model] = OfferState(
            provider=provider,
            model=model,
            condition="down" if is_fault else "healthy",
            last_outcome="fault" if is_fault else "success",
            last_called_at=moment,
            last_error="UPSTREAM_BROKEN" if is_fault else None,
        )

    def states(self) -> Mapping[Key, OfferState]:
        return self._states

    def condition(self, *, provider: str | None = None, model: str | None = None) -> Condition:
        fitting = [key for key in self._states if provider in (None, key[0]) and model in (None, key[1])]
        found = {self.conditions.get(key, self._states[key].condition) for key in fitting}
        return "unknown" if not found else found.pop() if len(found) == 1 else "degraded"

    def recent(self, minutes: int = 60) -> Sequence[Traffic]:
        now = self._clock.now()
        return self._sum(now - timedelta(minutes=minutes), now + timedelta(microseconds=1), None, None)

    def recent_series(self, minutes: int = 60) -> Sequence[TrafficPoint]:
        now, sums = self._clock.now(), dict[tuple[datetime, str], Bucket]()
        for moment, (provider, _), bucket in self._calls:
            if now - moment <= timedelta(minutes=minutes):
                sums.setdefault((moment.replace(second=0, microsecond=0), provider), Bucket()).merge(bucket)
        found = sorted(sums.items(), key=lambda item: item[0])
        return [TrafficPoint(start=start, traffic=bucket.traffic(name, "")) for (start, name), bucket in found]

    def tallies(self, minutes: int = 60) -> Mapping[str, Sequence[Tally]]:
        now, found = self._clock.now(), dict[str, dict[int, Tally]]()
        for moment, (provider, _), bucket in sorted(self._calls, key=lambda call: call[0]):
            if now - moment <= timedelta(minutes=minutes):
                sums = found.setdefault(provider, {})
                minute, (good, bad) = int(moment.timestamp()) // 60, bucket.judged()
                before = sums.get(minute, Tally(0, 0))
                sums[minute] = Tally(before.good + good, before.bad + bad)
        return {provider: list(sums.values()) for provider, sums in found.items()}

    async def between(
        self, start: datetime, end: datetime, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[Traffic]:
        return self._sum(start, end, provider, model)

    async def series(
        self, start: datetime, end: datetime, step: Step, *, provider: str | None = None, model: str | None = None
    ) -> Sequence[TrafficPoint]:
        raise NotImplementedError

    def _sum(self, start: datetime, end: datetime, provider: str | None, model: str | None) -> Sequence[Traffic]:
        sums: dict[Key, Bucket] = {}
        for moment, key, bucket in self._calls:
            if start <= moment < end and provider in (None, key[0]) and model in (None, key[1]):
                sums.setdefault(key, Bucket()).merge(bucket)
        return [bucket.traffic(*key) for key, bucket in sums.items()]
