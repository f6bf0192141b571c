"""What is kept of traffic in the store: written every few seconds, read with what the others wrote."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from gatewayz.config.sections.observing import Observation as ObservationSettings
from gatewayz.domain.observation.bucket import Bucket
from gatewayz.domain.observation.minutes import KEPT_MINUTES, Key
from gatewayz.domain.observation.recorder import Recorder
from gatewayz.domain.observation.roll_up import each_row
from gatewayz.domain.observation.spans import DAY, HOUR, MINUTE, Kept, Span, spans
from gatewayz.domain.observation.traffic import OfferState
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.store.observation_records import ObservationStore, StateRow, Wanted

__all__ = ["Found", "History", "row_of", "state_of"]

_ROWS: Final = 200_000
"""Rows read for one question."""
_LATE_MS: Final = 60_000
"""Facts written so much later than they are true are still heard of."""
_REREAD_S: Final = 60
"""How often all of the last hour is read again; in between, its newest minutes."""
_NEWEST: Final = 2

Found = AsyncIterator[tuple[int, Key, Bucket]]
"""Unix second, offer, figures."""


class History:
    """One process's door to the stored observations.

    :param process: a name that no other process has.
    """

    def __init__(
        self,
        store: ObservationStore,
        clock: Clock,
        recorder: Recorder,
        settings: ObservationSettings,
        *,
        process: str,
    ) -> None:
        self._store = store
        self._clock = clock
        self._recorder = recorder
        self._settings = settings
        self._process = process
        self._heard_at: float | None = None
        self._reread_at = 0.0

    async def write(self) -> None:
        """Write what has changed. Raises StoreUnavailable; then, or when cancelled, it is written next time."""
        recorder, oldest = self._recorder, self._oldest()
        recorder.fold()
        minutes, facts = recorder.take_changes()
        rows = [
            recorder.minutes.bucket(minute, key).row(minute * MINUTE, *key, self._process)
            for minute, key in minutes
            if minute >= oldest
        ]
        states = [row_of(recorder.facts[key]) for key in facts]
        try:
            await self._store.write_traffic(MINUTE, sorted(rows, key=lambda row: row.key))
            await self._store.write_states(sorted(states, key=lambda row: (row.provider, row.model)))
        except BaseException:  # cancelled at a shutdown too: writing again what was written changes nothing
            recorder.put_back(minutes, facts)
            raise

    async def hear(self) -> None:
        """Take in what other processes have written. Raises StoreUnavailable."""
        now = self._clock.now()
        at = now.timestamp()
        since_ms = 0 if self._heard_at is None else int(self._heard_at * 1000) - _LATE_MS
        for row in await self._store.list_states(since_ms=since_ms):
            self._recorder.adopt(state_of(row))
        is_whole = at - self._reread_at >= _REREAD_S
        first = self._oldest() if is_whole else int(at) // MINUTE - _NEWEST + 1
        wanted = Wanted(step=MINUTE, first=first * MINUTE, end=int(at) + DAY, not_of=self._process)
        async for found in each_row(self._store, wanted):
            key = (found.process, found.provider, found.model)
            self._recorder.hear(found.start // MINUTE, key, Bucket.of_row(found))
        self._heard_at = at
        if is_whole:
            self._reread_at = at

    async def between(
        self, start: datetime, end: datetime, *, coarsest: int = DAY, provider: str | None, model: str | None
    ) -> Found:
        """Yield the figures of a span, this process's own up to now. Raises StoreUnavailable, InvalidRequest."""
        self._recorder.fold()
        left = _ROWS
        for span in spans(int(start.timestamp()), _ceiling(end), await self._kept(), coarsest):
            for wanted in self._wanted(span, provider, model):
                async for row in each_row(self._store, wanted):
                    left -= 1
                    if left < 0:
                        raise InvalidRequest("the span has too many figures; ask for a shorter one or a longer step")
                    yield row.start, (row.provider, row.model), Bucket.of_row(row)
            if span.step == MINUTE:
                first = max(span.first // MINUTE, self._oldest())
                for minute, key, bucket in self._recorder.minutes.between(first, -(-span.end // MINUTE) - 1):
                    if provider in (None, key[0]) and model in (None, key[1]):
                        yield minute * MINUTE, key, bucket

    def _wanted(self, span: Span, provider: str | None, model: str | None) -> Sequence[Wanted]:
        """Return what to ask the store for: all, but this process's minutes that are in memory."""
        whole = Wanted(step=span.step, first=span.first, end=span.end, provider=provider, model=model)
        memory = self._oldest() * MINUTE
        if span.step != MINUTE or span.end <= memory:
            return [whole]
        own = Wanted(
            step=MINUTE,
            first=max(span.first, memory),
            end=span.end,
            provider=provider,
            model=model,
            not_of=self._process,
        )
        if span.first >= memory:
            return [own]
        return [Wanted(step=MINUTE, first=span.first, end=memory, provider=provider, model=model), own]

    async def _kept(self) -> Kept:
        now, memory = int(self._clock.now().timestamp()), self._oldest() * MINUTE
        minutes, hours, days = [await self._store.bounds(step) for step in (MINUTE, HOUR, DAY)]
        return Kept(
            hours_until=0 if hours is None else hours[1] + HOUR,
            days_until=0 if days is None else days[1] + DAY,
            minutes_from=now if minutes is None else minutes[0] - minutes[0] % HOUR,
            hours_from=now if hours is None else hours[0] - hours[0] % DAY,
            oldest=min(each[0] for each in (minutes, hours, days, (memory, now)) if each is not None),
        )

    def _oldest(self) -> int:
        """Return the oldest minute that is kept in memory."""
        return int(self._clock.now().timestamp()) // MINUTE - KEPT_MINUTES + 1


def _ceiling(end: datetime) -> int:
    return int((end + timedelta(microseconds=999_999)).timestamp())


def row_of(state: OfferState) -> StateRow:
    """Return facts as they are stored."""
    return StateRow(
        provider=state.provider,
        model=state.model,
        last_outcome=state.last_outcome,
        last_status=state.last_status,
        called_ms=_milliseconds(state.last_called_at) or 0,
        success_ms=_milliseconds(state.last_success_at),
        failure_ms=_milliseconds(state.last_failure_at),
        response_ms=state.last_response_ms,
        last_error=state.last_error,
        consecutive_failures=state.consecutive_failures,
    )


def state_of(row: StateRow) -> OfferState:
    """Return stored facts; their condition is judged by who shows them."""
    return OfferState(
        provider=row.provider,
        model=row.model,
        condition="unknown",
        last_outcome=row.last_outcome,
        last_status=row.last_status,
        last_called_at=_moment(row.called_ms),
        last_success_at=_moment(row.success_ms),
        last_failure_at=_moment(row.failure_ms),
        last_response_ms=row.response_ms,
        last_error=row.last_error,
        consecutive_failures=row.consecutive_failures,
    )


def _milliseconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp() * 1000)


def _moment(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)
