"""The newest readings of health checks, of all processes. Kept in the store, so that all of them show the same."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

import msgspec

from gatewayz.config.sections.health import HealthEntry
from gatewayz.domain.health.fresh import Fresh
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.interfaces import Reading
from gatewayz.store.health_records import ComponentReading

__all__ = ["Component", "ReadingStore", "Readings"]

_KEPT_S: Final = 2.0
_STALE_AFTER: Final = 3
"""Intervals without a look after which a reading is not believed any more."""
_DETAIL_LENGTH: Final = 500

_log = logging.getLogger("gatewayz.health")


class ReadingStore(Protocol):
    """What is needed of the store. Both raise StoreUnavailable."""

    async def keep(self, reading: ComponentReading) -> None:
        """Keep a reading in place of the one before."""
        ...

    async def list_readings(self) -> Sequence[ComponentReading]:
        """Return the newest reading of every check, by name and place."""
        ...


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """A check as it is shown."""

    name: str
    check: str
    """Of the plugin."""
    place: str | None
    """The machine it is true of; null for what is true of all."""
    state: Literal["up", "degraded", "down", "unknown"]
    """`unknown`: it has not looked for three intervals, or never."""
    latency_ms: float | None = None
    detail: str = ""
    facts: Mapping[str, Any] = {}
    provider: str | None = None
    checked_at: datetime | None = None
    since: datetime | None = None
    failures: int = 0


class Readings:
    """Of the checks that are configured."""

    def __init__(self, store: ReadingStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._last: Sequence[ComponentReading] = ()
        self._fresh = Fresh(self._read, clock, kept_s=_KEPT_S)

    async def components(self, entries: Mapping[str, HealthEntry]) -> Sequence[Component]:
        """Return what each configured check saw; never raises.

        :param entries: the checks that are switched on.
        """
        now = self._clock.now()
        found = [each for each in await self._fresh.get() if each.name in entries]
        seen = {each.name for each in found}
        never = [
            Component(name=name, check=entry.use, place=None, state="unknown")
            for name, entry in entries.items()
            if name not in seen
        ]
        shown = [_shown(each, entries[each.name], now) for each in found]
        return sorted([*shown, *never], key=lambda each: (each.name, each.place or ""))

    async def take(self, name: str, place: str, kind: str, reading: Reading) -> None:
        """Keep what a check has seen just now. Raises StoreUnavailable."""
        now = self._clock.now()
        known = await self._store.list_readings()
        before = next((each for each in known if (each.name, each.place) == (name, place)), None)
        is_same = before is not None and before.state == reading.state
        failures = 0 if reading.state == "up" else 1 + (0 if before is None else before.failures)
        if not is_same and (before is not None or reading.state != "up"):
            _log.warning("health check %r is %s: %s", name, reading.state, reading.detail or "no detail")
        await self._store.keep(
            ComponentReading(
                name=name,
                place=place,
                kind=kind,
                state=reading.state,
                latency_ms=None if reading.latency_ms is None else round(reading.latency_ms, 2),
                detail=reading.detail[:_DETAIL_LENGTH],
                facts=dict(reading.facts or {}),
                at=now,
                since=before.since if before is not None and is_same else now,
                failures=failures,
                provider=reading.provider,
            )
        )

    async def _read(self) -> Sequence[ComponentReading]:
        with suppress(StoreUnavailable):  # what was read last goes stale by itself
            self._last = await self._store.list_readings()
        return self._last


def _shown(reading: ComponentReading, entry: HealthEntry, now: datetime) -> Component:
    is_stale = now - reading.at > timedelta(seconds=_STALE_AFTER * entry.interval_s + entry.deadline_s)
    state: Any = "unknown" if is_stale else reading.state
    return Component(
        name=reading.name,
        check=reading.kind,
        place=reading.place or None,
        state=state,
        latency_ms=reading.latency_ms,
        detail=reading.detail,
        facts=reading.facts,
        provider=reading.provider or None,
        checked_at=reading.at,
        since=reading.since,
        failures=reading.failures,
    )
