import asyncio
from datetime import datetime
from typing import Any, cast

import msgspec
import pytest

from gatewayz.domain.payments.booking import PaymentBook
from gatewayz.domain.payments.inbox import PaymentInbox
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.sdk.payments import Notice, PaidNotice, PaymentProcessor, RefundNotice, WebhookEvent
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.payments import SqlPaymentStore
from tests.unit.domain.payments.conftest import Till, page_paid

TEN = 10 * NANO_PER_USD


class Reader:
    """Reads events that hold their notice; what is not one is a fault of the plugin."""

    async def read_event(self, body: str) -> Notice | None:
        if body == "null":
            return None
        if "returned" in body:
            return msgspec.json.decode(body, type=RefundNotice)
        return msgspec.json.decode(body, type=PaidNotice)


class Outage:
    """A database that is away while told so: before its n-th unit and all that follow."""

    def __init__(self, inner: Database) -> None:
        self._inner = inner
        self.units_left: int | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def read(self, work: Any) -> Any:
        self._check()
        return await self._inner.read(work)

    async def write(self, work: Any, **options: Any) -> Any:
        self._check()
        return await self._inner.write(work, **options)

    def _check(self) -> None:
        if self.units_left is None:
            return
        if self.units_left <= 0:
            raise StoreUnavailable("The database does not answer.")
        self.units_left -= 1


def open_inbox(till: Till, database: Database | None = None) -> PaymentInbox:
    """Return the inbox of a process of its own."""
    processor = cast(PaymentProcessor, Reader())
    store = SqlPaymentStore(database or till.store.database)
    book = PaymentBook(
        store,
        till.ledger,
        till.store.users,
        till.clock,
        promotions=till.promotions,
        settings_of=lambda: till.settings,
    )
    return PaymentInbox(store, book, till.clock, lambda: processor)


def event(notice: Notice | None, id: str = "evt_1") -> WebhookEvent:
    return WebhookEvent(id=id, type="payment", body=msgspec.json.encode(notice).decode())


async def test_one_event_in_parallel_at_two_processes_credits_once(till: Till) -> None:
    user = await till.user()
    came = event(page_paid(await till.payment(user)))
    inboxes = [open_inbox(till), open_inbox(till)]
    heard = await asyncio.gather(*(inbox.receive(came) for inbox in inboxes * 8))
    assert all(is_well for is_well, _ in heard)
    assert [words for _, words in heard].count("The payment is booked.") == 1
    assert await till.purchased(user) == TEN


async def test_waiting_events_are_shared_out_between_processes(till: Till) -> None:
    users = [await till.user() for _ in range(6)]
    inbox = open_inbox(till)
    ids = [await till.payment(user) for user in users]
    outage = Outage(till.store.database)
    cut_off = open_inbox(till, cast(Database, outage))
    for payment_id in ids:
        outage.units_left = 1  # the event is stored, and no more
        is_well, words = await cut_off.receive(event(page_paid(payment_id), f"evt_{payment_id}"))
        assert is_well and "will be processed" in words
    looked_at = await asyncio.gather(*(each.process_due() for each in (inbox, open_inbox(till), open_inbox(till))))
    assert sum(looked_at) == 6
    assert [await till.purchased(user) for user in users] == [TEN] * 6
    assert await inbox.process_due() == 0


async def test_an_event_that_cannot_be_stored_must_be_sent_again(till: Till) -> None:
    user = await till.user()
    outage = Outage(till.store.database)
    inbox = open_inbox(till, cast(Database, outage))
    came = event(page_paid(await till.payment(user)))
    outage.units_left = 0
    with pytest.raises(StoreUnavailable) as caught:
        await inbox.receive(came)
    assert caught.value.status == 503
    outage.units_left = None
    assert await inbox.receive(came) == (True, "The payment is booked.")
    assert await till.purchased(user) == TEN


@pytest.mark.parametrize("units", range(1, 9))
async def test_an_outage_at_any_point_neither_loses_nor_repeats_a_payment(till: Till, units: int) -> None:
    user = await till.user()
    outage = Outage(till.store.database)
    inbox = open_inbox(till, cast(Database, outage))
    payment_id = await till.payment(user)
    outage.units_left = units
    assert (await inbox.receive(event(page_paid(payment_id))))[0]
    outage.units_left = None
    for _ in range(2):
        till.clock.advance(61)  # the lease
        await inbox.process_due()
    assert await till.purchased(user) == TEN
    assert (await till.find(payment_id)).status == "completed"
    till.clock.advance(61)
    assert await inbox.process_due() == 0


async def test_an_event_that_came_too_early_is_tried_again(till: Till) -> None:
    user = await till.user()
    inbox = open_inbox(till)
    payment_id = await till.payment(user)
    await till.store.payments.update(payment_id, intent_id=f"pi_{payment_id}")
    early = RefundNotice(intent_id=f"pi_{payment_id}", returned=400, currency="usd")
    assert (await inbox.receive(event(early, "evt_early")))[0] is False
    assert (await inbox.receive(event(early, "evt_early"))) == (True, "The event was received before.")
    await inbox.receive(event(page_paid(payment_id), "evt_paid"))
    till.clock.advance(2)
    assert await inbox.process_due() == 1
    assert await till.purchased(user) == 6 * NANO_PER_USD


async def test_an_event_that_breaks_is_given_up_after_a_day_and_keeps_no_other_waiting(
    till: Till, caplog: pytest.LogCaptureFixture
) -> None:
    user, inbox = await till.user(), open_inbox(till)
    broken = WebhookEvent(id="evt_bad", type="payment", body="[]")
    assert await inbox.receive(broken) == (False, "The event is stored and could not be processed yet.")
    assert (await inbox.receive(event(page_paid(await till.payment(user)))))[0]
    assert await till.purchased(user) == TEN
    begun: datetime = till.clock.now()
    tries = 1
    while await _later(inbox, till):
        tries += 1
    assert tries == 20
    assert "evt_bad (payment) is given up" in caplog.text
    assert (till.clock.now() - begun).total_seconds() > 8 * 3600


async def test_an_event_that_concerns_nobody_is_done(till: Till) -> None:
    assert await open_inbox(till).receive(event(None)) == (True, "The event concerns nobody here.")


async def test_without_a_processor_events_wait(till: Till) -> None:
    inbox = PaymentInbox(till.store.payments, till.book, till.clock, lambda: None)
    assert (await inbox.receive(event(None)))[0] is False
    assert await inbox.process_due() == 0
    till.clock.advance(2)
    assert await open_inbox(till).process_due() == 1


async def _later(inbox: PaymentInbox, till: Till) -> int:
    till.clock.advance(3601)
    return await inbox.process_due()
