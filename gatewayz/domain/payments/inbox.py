"""The inbox of verified events: stored once by their id, processed with retries until they are done.

A payment's credit is booked under a key made of our own payment's id, so that whichever of its
events come, in whatever order, by however many processes, it is booked once.
Source: design 4; docs/decisions/0111-payment-inbox.md.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from gatewayz.domain.payments.booking import PaymentBook
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import GatewayzError, StoreUnavailable
from gatewayz.sdk.payments import PaymentProcessor, WebhookEvent
from gatewayz.store.payment_records import InboxEvent

if TYPE_CHECKING:
    from gatewayz.store.sql.payments import SqlPaymentStore

__all__ = ["PaymentInbox"]

_PERIOD_S: Final = 1.0
_BATCH: Final = 20
_LEASE: Final = timedelta(seconds=60)
_ATTEMPTS: Final = 20
_MAX_WAIT_S: Final = 3600

_log = logging.getLogger("gatewayz.payments")


class PaymentInbox:
    """The service.

    :param processor_of: the processor of the configuration in force.
    """

    def __init__(
        self,
        store: "SqlPaymentStore",
        book: PaymentBook,
        clock: Clock,
        processor_of: Callable[[], PaymentProcessor | None],
    ) -> None:
        self._store = store
        self._book = book
        self._clock = clock
        self._processor_of = processor_of

    async def receive(self, event: WebhookEvent) -> tuple[bool, str]:
        """Store an event and process it; return whether all is well, and what happened in words.

        An event that cannot be processed now stays, and is tried again. Raises StoreUnavailable when it
        could not be stored: the processor must send it again.
        """
        kept = InboxEvent(id=event.id, type=event.type, body=event.body, attempts=0)
        if not await self._store.store_event(kept, self._clock.now()):
            return True, "The event was received before."
        try:
            if not await self._store.claim_event(event.id, self._clock.now(), lease=_LEASE):
                return True, "The event is being processed."
            return await self._process(kept)
        except StoreUnavailable:
            _log.warning("event %s is stored and will be processed when the database is back", event.id)
            return True, "The event is stored and will be processed."

    async def run(self) -> None:
        """Process what waits, for ever."""
        while True:
            try:
                await self.process_due()
            except GatewayzError as err:
                _log.debug("events wait: %s", err.message)
            await asyncio.sleep(_PERIOD_S)

    async def process_due(self) -> int:
        """Process the events that are due; return how many were looked at."""
        if self._processor_of() is None:
            return 0
        events = await self._store.claim_events(self._clock.now(), limit=_BATCH, lease=_LEASE)
        for event in events:
            await self._process(event)
        return len(events)

    async def _process(self, event: InboxEvent) -> tuple[bool, str]:
        processor = self._processor_of()
        try:
            if processor is None:
                raise StoreUnavailable("No payment processor is configured.")
            notice = await processor.read_event(event.body)
            outcome = "The event concerns nobody here." if notice is None else await self._book.apply(notice)
        except Exception as err:  # noqa: BLE001  whatever an event holds, it must neither be lost nor keep the others waiting
            await self._put_off(event, err)
            return False, "The event is stored and could not be processed yet."
        await self._store.finish_event(event.id, "done", self._clock.now())
        return True, outcome

    async def _put_off(self, event: InboxEvent, err: Exception) -> None:
        words = err.message if isinstance(err, GatewayzError) else type(err).__name__
        now = self._clock.now()
        if event.attempts + 1 >= _ATTEMPTS:
            _log.error("event %s (%s) is given up: %s", event.id, event.type, words, exc_info=err)
            await self._store.finish_event(event.id, "given_up", now, words[:500])
            return
        _log.warning("event %s (%s) is put off: %s", event.id, event.type, words)
        wait_s = min(_MAX_WAIT_S, 2**event.attempts)
        await self._store.put_off_event(event.id, now + timedelta(seconds=wait_s), words[:500])
