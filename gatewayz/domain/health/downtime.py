"""When the gateway itself was away: its processes notice, and keep it in the store. Rules in words: docs/health.md.

Nobody can note that nothing runs; so each process gives signs of life, and the first one to start after a gap notes the
gap. Source: spec 07 §9; docs/decisions/0152-downtime-is-noticed-by-those-who-come-back.md.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

import msgspec

from gatewayz.config.sections.health import Downtime as Rules
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.downtime_records import Beat, DowntimeFilter, DowntimeKind, Incident, Severity

__all__ = ["AUTOMATIC", "Downtime", "DowntimeStore", "Gap", "find_gap", "severity_of"]

AUTOMATIC: Final = "gateway"
"""Ends incidents when they are over."""
_LONG: Final = timedelta(minutes=15)
_SHORT: Final = timedelta(minutes=1)
_KEEP_BEATS: Final = timedelta(days=7)
_MESSAGES: Final[dict[DowntimeKind, str]] = {
    "stopped": "no process ran: the last one was stopped in order",
    "crashed": "no process ran: the last one ended without saying so",
    "database": "the database did not answer",
    "readiness": "no provider was configured",
}


class Gap(NamedTuple):
    """A time in which no process ran."""

    kind: DowntimeKind
    began: datetime


class DowntimeStore(Protocol):
    """What is needed of the store. Every method raises StoreUnavailable."""

    async def beat(self, beat: Beat) -> None:
        """Keep a process's sign of life in place of the one before."""
        ...

    async def list_beats(self) -> Sequence[Beat]:
        """Return the last sign of life of every process that is remembered."""
        ...

    async def forget(self, *, beats_before: datetime, incidents_before: datetime) -> None:
        """Drop what is older; incidents that go on stay."""
        ...

    async def open_incident(self, incident: Incident) -> int:
        """Add an incident, and return its id."""
        ...

    async def end_incident(self, incident_id: int, at: datetime, by: str, notes: str | None) -> bool:
        """End an incident that goes on; False when none of that id does."""
        ...

    async def list_incidents(self, wanted: DowntimeFilter, limit: int) -> Sequence[Incident]:
        """Return incidents, the newest first."""
        ...


def find_gap(beats: Sequence[Beat], now: datetime, gap: timedelta) -> Gap | None:
    """Return the time before now in which none of these processes ran; None when it was shorter than `gap`."""
    if not beats:
        return None
    last = max(_last_sign(beat) for beat in beats)
    if now - last < gap:
        return None
    ended_together = [beat for beat in beats if last - _last_sign(beat) < gap]
    kind: DowntimeKind = "stopped" if all(beat.stopped_at is not None for beat in ended_together) else "crashed"
    return Gap(kind, last)


def severity_of(kind: DowntimeKind, length: timedelta) -> Severity:
    """Return how bad it was."""
    if kind == "stopped":
        return "low"
    if length >= _LONG:
        return "critical"
    return "medium" if kind == "database" and length < _SHORT else "high"


class Downtime:
    """One process's signs of life, and what it notices.

    :param me: the first sign of life of this process.
    """

    def __init__(self, store: DowntimeStore, clock: Clock, rules: Rules, me: Beat, *, environment: str) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._me = me
        self._environment = environment
        self._lost_at: datetime | None = None
        self.is_announced = False
        """False until others can see that this process runs."""

    async def announce(self) -> None:
        """Note the gap before this process, if nothing else ran, and give the first sign of life.

        To be called by one process at a time. Raises StoreUnavailable.
        """
        now, known = self._clock.now(), await self._store.list_beats()
        others = [beat for beat in known if beat.process != self._me.process]
        gap = find_gap(others, now, timedelta(seconds=self._rules.gap_s))
        if gap is not None:
            await self._note(gap.kind, gap.began, now)
        await self._beat(now)
        await self._store.forget(
            beats_before=now - _KEEP_BEATS, incidents_before=now - timedelta(days=self._rules.keep_days)
        )
        self.is_announced = True

    async def beat(self) -> None:
        """Give a sign of life. Raises StoreUnavailable, and remembers since when."""
        now = self._clock.now()
        try:
            await self._beat(now)
        except StoreUnavailable:
            self._lost_at = self._lost_at or now
            raise

    @property
    def has_lost_database(self) -> bool:
        """True when the database was away and that is not noted yet."""
        return self._lost_at is not None

    async def note_database(self) -> None:
        """Note that the database was away, unless another process has.

        To be called by one process at a time. Raises StoreUnavailable.
        """
        lost_at, now = self._lost_at, self._clock.now()
        if lost_at is not None and now - lost_at >= timedelta(seconds=self._rules.database_s):
            margin = timedelta(seconds=self._rules.gap_s)
            wanted = DowntimeFilter(kind="database", ended_after=lost_at - margin)
            if not await self._store.list_incidents(wanted, 1):
                await self._note("database", lost_at, now)
        self._lost_at = None

    async def note_readiness(self, *, is_ready: bool) -> None:
        """Open an incident when no provider is configured, and end it when one is.

        To be called by one process at a time. Raises StoreUnavailable.
        """
        now = self._clock.now()
        ongoing = [each for each in await self._ongoing() if each.kind == "readiness"]
        if is_ready:
            for each in ongoing:
                await self._store.end_incident(each.id, now, AUTOMATIC, None)
        elif not ongoing:
            await self._note("readiness", now, None)

    async def stop(self) -> None:
        """Say that this process ends in order. Raises StoreUnavailable."""
        now = self._clock.now()
        await self._store.beat(msgspec.structs.replace(self._me, beat_at=now, stopped_at=now))

    async def _ongoing(self) -> Sequence[Incident]:
        return await self._store.list_incidents(DowntimeFilter(status="ongoing"), 100)

    async def _beat(self, now: datetime) -> None:
        await self._store.beat(msgspec.structs.replace(self._me, beat_at=now))

    async def _note(self, kind: DowntimeKind, began: datetime, ended: datetime | None) -> None:
        now = self._clock.now()
        await self._store.open_incident(
            Incident(
                kind=kind,
                started_at=began,
                detected_at=now,
                ended_at=ended,
                status="ongoing" if ended is None else "resolved",
                severity=severity_of(kind, (ended or began) - began),
                environment=self._environment,
                error_message=_MESSAGES[kind],
                server_info={"host": self._me.host, "version": self._me.version, "process": self._me.process},
                resolved_by=None if ended is None else AUTOMATIC,
                created_at=now,
                updated_at=now,
            )
        )


def _last_sign(beat: Beat) -> datetime:
    return beat.stopped_at or beat.beat_at
