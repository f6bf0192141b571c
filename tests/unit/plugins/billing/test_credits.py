import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, Conflict, PaymentRequired
from gatewayz.sdk.interfaces import BillingBackend, Hold, ProgressMarking
from gatewayz.sdk.ledger import AccountLedger
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import HttpClient
from gatewayz.store.open import open_store
from gatewayz.store.records import NewUser
from gatewayz_plugins.billing.credits.backend import CreditsSettings, build_credits
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url

OFFER = Offer(model="v/m", provider="p", upstream_model="m")
USAGE = Usage(input_tokens=3, output_tokens=4)


def context(ledger: AccountLedger | None) -> PluginContext:
    return PluginContext(
        instance="credits",
        http=cast(HttpClient, None),
        clock=FakeClock(),
        logger=logging.getLogger("test"),
        data_dir=Path("nowhere"),
        ledger=ledger,
    )


def cost(total: int) -> Cost:
    return Cost(input=Nano(total // 3), output=Nano(total - total // 3))


@pytest.fixture
async def funded(tmp_path: Path) -> AsyncIterator[tuple[Any, int]]:
    clock = FakeClock()
    store = await open_store(StoreSettings(url=sqlite_url(tmp_path), migrate=False))
    ledger = Ledger(store.ledger, clock)
    user = (await store.users.add_user(NewUser(email="a@example.com"), clock.now())).id
    await ledger.deposit(user, Parts(purchased=100), kind="purchase", key="p", counter="clearing")
    yield build_credits(CreditsSettings(), context(ledger)), user
    await ledger.aclose()
    assert (await ledger.audit()).is_clean
    await store.aclose()


async def test_a_call_is_held_charged_and_released(funded: tuple[BillingBackend, int]) -> None:
    billing, user = funded
    hold = await billing.authorize(user, Nano(60), "r")
    assert hold == Hold(key="r", account=user, amount=Nano(60))
    assert await billing.balance(user) == 40
    charge = await billing.capture(hold, OFFER, USAGE, cost(25))
    assert (charge.charged, charge.balance, charge.hold, charge.usage) == (25, 75, hold, USAGE)
    assert (await billing.capture(hold, OFFER, USAGE, cost(25))).charged == 25
    await billing.void(hold)
    assert await billing.balance(user) == 75


async def test_a_dearer_answer_raises_the_hold_of_its_charge(funded: tuple[BillingBackend, int]) -> None:
    billing, user = funded
    hold = await billing.authorize(user, Nano(10), "r")
    hold = await billing.extend(hold, Nano(20))
    assert (await billing.extend(hold, Nano(5))).amount == 20
    charge = await billing.capture(hold, OFFER, USAGE, cost(130))
    assert (charge.charged, charge.hold.amount, charge.cost.total, charge.balance) == (100, 100, 130, 0)


async def test_refusals_are_the_callers(funded: tuple[BillingBackend, int]) -> None:
    billing, user = funded
    with pytest.raises(PaymentRequired):
        await billing.authorize(user, Nano(101), "r")
    hold = await billing.authorize(user, Nano(100), "s")
    with pytest.raises(Conflict):
        await billing.authorize(user, Nano(1), "s")
    with pytest.raises(PaymentRequired):
        await billing.extend(hold, Nano(101))
    await billing.void(hold)
    assert await billing.balance(user) == 100


async def test_who_has_no_account_gets_what_is_free(funded: tuple[BillingBackend, int]) -> None:
    billing, _ = funded
    hold = await billing.authorize(None, Nano(0), "r")
    assert (await billing.extend(hold, Nano(9))).amount == 0
    assert (await billing.capture(hold, OFFER, USAGE, cost(0))).charged == 0
    await billing.void(hold)
    with pytest.raises(PaymentRequired):
        await billing.authorize(None, Nano(1), "s")


async def test_progress_can_be_marked(funded: tuple[BillingBackend, int]) -> None:
    billing, user = funded
    assert isinstance(billing, ProgressMarking)
    hold = await billing.authorize(user, Nano(60), "r")
    billing.mark(hold, Nano(5))
    await billing.void(hold)
    await billing.aclose()


def test_without_a_ledger_there_are_no_credits() -> None:
    with pytest.raises(ConfigurationError):
        build_credits(CreditsSettings(), context(None))
