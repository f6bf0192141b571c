from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.config.settings import Settings
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.payments.booking import PaymentBook
from gatewayz.domain.promotions import Promotions, open_promotions
from gatewayz.sdk.payments import PaidNotice
from gatewayz.store.open import open_store
from gatewayz.store.payment_records import NewPayment, Payment
from gatewayz.store.records import NewUser, User
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import postgres_url, sqlite_url

_numbers = count(1)


@dataclass
class Till:
    """A store with its ledger, and the book of payments on it."""

    store: SqlStore
    ledger: Ledger
    clock: FakeClock
    promotions: Promotions
    settings: Settings

    @property
    def book(self) -> PaymentBook:
        return PaymentBook(
            self.store.payments,
            self.ledger,
            self.store.users,
            self.clock,
            promotions=self.promotions,
            settings_of=lambda: self.settings,
        )

    async def user(self) -> User:
        return await self.store.users.add_user(NewUser(email=f"p{next(_numbers)}@example.com"), self.clock.now())

    async def payment(self, user: User, *, amount: int = 1000, credit: int = 1000, currency: str = "usd") -> int:
        """Begin a payment with a page `cs_ID`."""
        new = NewPayment(
            user_id=user.id,
            processor="stripe",
            amount=amount,
            credit=credit,
            currency=currency,
            description=None,
            metadata={},
        )
        payment_id = await self.store.payments.add(new, self.clock.now())
        await self.store.payments.update(payment_id, session_id=f"cs_{payment_id}")
        return payment_id

    async def paid(self, user: User, amount: int = 1000) -> int:
        payment_id = await self.payment(user, amount=amount, credit=amount)
        await self.book.apply(page_paid(payment_id, amount))
        return payment_id

    async def find(self, payment_id: int) -> Payment:
        found = await self.store.payments.find(payment_id)
        assert found is not None
        return found

    async def purchased(self, user: User) -> int:
        return (await self.ledger.balances(user.id)).purchased


def page_paid(payment_id: int, amount: int = 1000, currency: str = "usd") -> PaidNotice:
    return PaidNotice(
        payment_id=None,
        session_id=f"cs_{payment_id}",
        intent_id=f"pi_{payment_id}",
        amount=amount,
        currency=currency,
    )


def intent_paid(payment_id: int, amount: int = 1000) -> PaidNotice:
    return PaidNotice(
        payment_id=payment_id,
        session_id=None,
        intent_id=f"pi_{payment_id}",
        amount=amount,
        currency="usd",
        method="card",
    )


@pytest.fixture(params=["sqlite", "postgresql"])
async def till(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Till]:
    url = sqlite_url(tmp_path) if request.param == "sqlite" else postgres_url()
    store = await open_store(StoreSettings(url=url, migrate=False))
    clock, settings = FakeClock(), Settings()
    ledger = Ledger(store.ledger, clock)
    promotions = open_promotions(store, ledger, clock)
    till = Till(store, ledger, clock, promotions, settings)
    yield till
    await ledger.aclose()
    await store.aclose()
