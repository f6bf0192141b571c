"""A clock that moves when told to."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    def __init__(self, monotonic: float = 1000.0, now: datetime | None = None) -> None:
        self._monotonic = monotonic
        self._now = now or datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self._monotonic

    def now(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)
