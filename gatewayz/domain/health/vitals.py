"""The gateway's own vital signs: database, Redis, process, and the traffic of a day. Each at most two seconds old.

Everything here answers whatever is down: a failure is a reading like any other (spec 05: always 200).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.health.fresh import Fresh
from gatewayz.domain.health.process import ProcessMeter, ProcessReading
from gatewayz.domain.health.shown import DayTraffic
from gatewayz.domain.health.standing import Standings
from gatewayz.domain.health.uptime import Uptime
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.catalog_records import ProviderList

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["DAY", "Answering", "Connection", "Vitals"]

DAY: Final = timedelta(hours=24)
_KEPT_S: Final = 1.0
_DAY_KEPT_S: Final = 2.0
_TIMEOUT_S: Final = 1.0
_DAY_TIMEOUT_S: Final = 5.0

Connection = Literal["verified", "timeout", "failed"]
Ping = Callable[[], Awaitable[object]]


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """Whether something the gateway leans on answers."""

    connection: Connection
    latency_ms: float | None
    """None when it did not answer."""
    failures: int
    """Looks in a row that it did not answer."""
    at: datetime

    @property
    def is_up(self) -> bool:
        """True when it answered."""
        return self.connection == "verified"


class Watched:
    """One thing that is looked at when somebody asks."""

    def __init__(self, ping: Ping, clock: Clock) -> None:
        self._ping = ping
        self._clock = clock
        self._failures = 0
        self._fresh = Fresh(self._look, clock, kept_s=_KEPT_S)

    async def read(self) -> Answering:
        """Return how it does, at most a second old; takes at most a second, never raises."""
        return await self._fresh.get()

    async def _look(self) -> Answering:
        started = self._clock.monotonic()
        connection: Connection = "verified"
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                await self._ping()
        except TimeoutError:
            connection = "timeout"
        except Exception:  # noqa: BLE001  that it fails is what is asked
            connection = "failed"
        is_up = connection == "verified"
        self._failures = 0 if is_up else self._failures + 1
        latency_ms = round((self._clock.monotonic() - started) * 1000, 2) if is_up else None
        return Answering(connection=connection, latency_ms=latency_ms, failures=self._failures, at=self._clock.now())


class Vitals:
    """Of this process.

    :param ping_database: one small query. Raises StoreUnavailable.
    :param read_lists: how it stands with providers' model lists. Raises StoreUnavailable.
    :param redis: None where none is configured.
    """

    def __init__(
        self,
        view: TrafficView,
        clock: Clock,
        ping_database: Ping,
        read_lists: Callable[[], Awaitable[Sequence[ProviderList]]],
        redis: "Redis | None" = None,
    ) -> None:
        self._view = view
        self._clock = clock
        self._database = Watched(ping_database, clock)
        self._redis = None if redis is None else Watched(redis.ping, clock)
        self._meter = ProcessMeter()
        self._process = Fresh(lambda: asyncio.to_thread(self._meter.read), clock, kept_s=_KEPT_S)
        self._lists = Fresh(read_lists, clock, kept_s=_DAY_KEPT_S)
        self._day = Fresh(self._read_day, clock, kept_s=_DAY_KEPT_S)
        self._started = clock.monotonic()
        self.uptime = Uptime(view, clock)
        """What was seen over days."""
        self._standings: tuple[Catalog, Standings, float] | None = None

    @property
    def uptime_s(self) -> float:
        """Seconds since this process opened its store."""
        return self._clock.monotonic() - self._started

    async def database(self) -> Answering:
        """Return whether the database answers; never raises."""
        return await self._database.read()

    async def redis(self) -> Answering | None:
        """Return whether Redis answers, None where there is none; never raises."""
        return None if self._redis is None else await self._redis.read()

    async def process(self) -> ProcessReading:
        """Return what this process takes of its machine."""
        return await self._process.get()

    async def day(self) -> DayTraffic:
        """Return the traffic of the last 24 hours, or of what is known of them; never raises."""
        return await self._day.get()

    async def lists(self) -> Sequence[ProviderList] | None:
        """Return how it stands with providers' model lists, None when the database is away; never raises."""
        try:
            return await self._lists.get() if (await self.database()).is_up else None
        except StoreUnavailable:
            return None

    async def standings(
        self, catalog: Catalog, breakers: Breakers, configured: Iterable[str], described: Iterable[str]
    ) -> Standings:
        """Return how models and providers stand, at most a second old. Parameters: see `Standings`."""
        day, now = await self.day(), self._clock.monotonic()
        if self._standings is None or self._standings[0] is not catalog or now >= self._standings[2]:
            found = Standings(
                catalog=catalog,
                breakers=breakers,
                configured=configured,
                described=described,
                view=self._view,
                day=day,
            )
            self._standings = catalog, found, now + _KEPT_S
        return self._standings[1]

    async def _read_day(self) -> DayTraffic:
        now, found = self._clock.now(), None
        if (await self.database()).is_up:
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(_DAY_TIMEOUT_S):
                    found = await self._view.between(now - DAY, now + timedelta(minutes=1))
        is_whole = found is not None
        found = self._view.recent() if found is None else found
        return DayTraffic(parts={(part.provider, part.model): part for part in found}, is_whole=is_whole)
