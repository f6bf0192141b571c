"""Any sequence of operations, against a model of a few lines; and the database against wrong code."""

import asyncio
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import text

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.errors import Conflict, GatewayzError, InvalidRequest, PaymentRequired
from gatewayz.store.ledger_records import EntryRow, HoldRow, LedgerBroken, LedgerChanges, LedgerScope, WalletRow
from gatewayz.store.moment_id import first_id
from gatewayz.store.open import open_store
from gatewayz.store.records import NewUser
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url

amounts = st.integers(0, 60)
keys = st.sampled_from([f"r{number}" for number in range(6)])


class Money(RuleBasedStateMachine):
    """One customer, six request ids, calls in any order: balances, charges and refusals are the model's."""

    @initialize(trial=amounts, allowance=amounts, purchased=amounts)
    def start(self, trial: int, allowance: int, purchased: int) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        url = sqlite_url(Path(self.folder.name))
        self.clock = FakeClock()
        self.store: SqlStore = self.run(open_store(StoreSettings(url=url, migrate=False)))
        self.user = self.run(self.store.users.add_user(NewUser(email="a@example.com"), self.clock.now())).id
        self.ledger = Ledger(self.store.ledger, self.clock)
        self.accounts = [trial, allowance, purchased]
        self.holds: dict[str, list[int]] = {}
        self.settled: dict[str, int | None] = {}
        self.refunded: dict[str, int] = {}
        self.deposits = 0
        self.deposit(0, 0, 0)
        self.deposit(trial, allowance, purchased, model=False)

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def take(self, amount: int) -> list[int]:
        parts = []
        for at, have in enumerate(self.accounts):
            part = min(have, amount)
            amount -= part
            self.accounts[at] -= part
            parts.append(part)
        return parts

    def outcome(self, work: Any) -> Any:
        self.clock.advance(0.01)
        try:
            return self.run(work)
        except GatewayzError as err:
            return type(err)

    @rule(trial=amounts, allowance=amounts, purchased=amounts)
    def deposit(self, trial: int, allowance: int, purchased: int, model: bool = True) -> None:
        self.deposits += 1
        parts = Parts(trial, allowance, purchased)
        self.outcome(
            self.ledger.deposit(self.user, parts, kind="purchase", key=f"p{self.deposits}", counter="clearing")
        )
        if model:
            self.accounts = [self.accounts[0] + trial, self.accounts[1] + allowance, self.accounts[2] + purchased]

    @rule(key=keys, amount=st.integers(1, 60))
    def authorize(self, key: str, amount: int) -> None:
        found = self.outcome(self.ledger.authorize(self.user, amount, key))
        if key in self.holds or key in self.settled:
            assert found is Conflict
        elif sum(self.accounts) < amount:
            assert found is PaymentRequired
        else:
            assert found == amount
            self.holds[key] = self.take(amount)

    @rule(key=keys, amount=st.integers(1, 90))
    def extend(self, key: str, amount: int) -> None:
        found = self.outcome(self.ledger.extend(self.user, amount, key))
        held = self.holds.get(key, [0, 0, 0])
        if key in self.settled:
            assert found is Conflict
        elif amount - sum(held) > sum(self.accounts):
            assert found is PaymentRequired
        else:
            assert found == max(amount, sum(held))
            more = self.take(max(0, amount - sum(held)))
            self.holds[key] = [have + part for have, part in zip(held, more, strict=True)]

    @rule(key=keys, cost=st.integers(0, 120))
    def capture(self, key: str, cost: int) -> None:
        held = sum(self.holds.get(key, ()))
        found = self.outcome(self.ledger.capture(self.user, key, held=max(held, 1), cost=cost))
        if key in self.settled:
            charged = self.settled[key]
            assert found is Conflict if charged is None else found.charged == charged
            return
        parts = self.holds.pop(key, [0, 0, 0])
        more = self.take(max(0, cost - sum(parts)))
        parts = [have + part for have, part in zip(parts, more, strict=True)]
        charged = min(cost, sum(parts))
        assert (found.charged, found.held) == (charged, sum(parts))
        self.settled[key] = left = charged
        for at, part in enumerate(parts):
            spent = min(part, left)
            left -= spent
            self.accounts[at] += part - spent
        assert found.balance == sum(self.accounts)

    @rule(key=keys)
    def void(self, key: str) -> None:
        assert self.outcome(self.ledger.void(self.user, key, held=1)) is None
        if key in self.holds:
            parts = self.holds.pop(key)
            self.accounts = [have + part for have, part in zip(self.accounts, parts, strict=True)]
            self.settled[key] = None

    @precondition(lambda self: any(self.settled.values()))
    @rule(amount=st.integers(1, 60), data=st.data())
    def refund(self, amount: int, data: st.DataObject) -> None:
        key = data.draw(st.sampled_from(sorted(key for key, charged in self.settled.items() if charged)))
        left = (self.settled[key] or 0) - self.refunded.get(key, 0)
        name = f"{key}:{self.clock.monotonic()}"
        found = self.outcome(self.ledger.refund(self.user, reference=key, key=name, amount=amount))
        if amount > left:
            assert found is InvalidRequest
            return
        self.refunded[key] = self.refunded.get(key, 0) + amount
        self.accounts[2] += amount

    @rule(amount=amounts)
    def renew(self, amount: int) -> None:
        self.deposits += 1
        self.outcome(
            self.ledger.reset_allowance(self.user, amount, kind="renewal", key=f"p{self.deposits}", counter="clearing")
        )
        self.accounts[1] = amount

    @invariant()
    def balances_are_the_models(self) -> None:
        if not hasattr(self, "ledger"):
            return
        found = self.run(self.ledger.balances(self.user))
        assert [found.trial, found.allowance, found.purchased] == self.accounts
        assert found.held == sum(map(sum, self.holds.values()))

    def teardown(self) -> None:
        if not hasattr(self, "ledger"):
            return
        self.run(self.ledger.aclose())
        report = self.run(self.ledger.audit())
        assert report.is_clean, report.findings
        self.run(self.store.aclose())
        self.loop.close()
        self.folder.cleanup()


TestMoney = Money.TestCase
TestMoney.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def hold(**changes: int) -> HoldRow:
    values: dict[str, Any] = dict.fromkeys(HoldRow.__struct_fields__, 0) | {"id": 1, "key": "r", "user_id": 1}
    return HoldRow(**values | changes)


@pytest.mark.parametrize(
    "changes",
    [
        LedgerChanges(wallets=[WalletRow(1, purchased=-11)]),
        LedgerChanges(wallets=[WalletRow(1, trial=-1)]),
        LedgerChanges(wallets=[WalletRow(1, allowance=-1)]),
        LedgerChanges(wallets=[WalletRow(1, held=-1)]),
        LedgerChanges(wallets=[WalletRow(2, purchased=5)]),
        LedgerChanges(new_holds=[hold(purchased=5, captured=6)]),
        LedgerChanges(new_holds=[hold(purchased=-5)]),
        LedgerChanges(new_holds=[hold(purchased=5, captured=5, refunded=6)]),
        LedgerChanges(new_holds=[hold(state=7)]),
        LedgerChanges(changed_holds=[hold(id=99)]),
        LedgerChanges(entries=[EntryRow(id=1, kind="x", user_id=1, purchased=5, clearing=-4, balance_after=0)]),
        LedgerChanges(entries=[EntryRow(id=1, kind="x", user_id=1, balance_after=-1)]),
    ],
    ids=str,
)
async def test_the_database_refuses_what_the_code_must_not_do(
    store: SqlStore, ledger: Ledger, user: int, changes: LedgerChanges
) -> None:
    await ledger.deposit(user, Parts(purchased=10), kind="purchase", key="p", counter="clearing")
    with pytest.raises(LedgerBroken):
        await store.ledger.transact(LedgerScope(user_ids=[user]), lambda _view: (changes, None))
    assert (await ledger.balances(user)).purchased == 10


@pytest.mark.parametrize(
    ("statement", "where", "what"),
    [
        ("UPDATE ledger_wallets SET purchased = purchased + 1", "user 1", "purchased"),
        ("UPDATE ledger_wallets SET held = held - 1", "user 1", "held"),
        ("DELETE FROM ledger_entries WHERE kind = 'api_usage'", "user 1", "purchased"),
        ("UPDATE ledger_holds SET state = 2 WHERE key = 'open'", "user 1", "held, by open holds"),
        ("UPDATE ledger_holds SET captured = captured - 1 WHERE key = 'done'", "hold done", "captured"),
    ],
)
async def test_an_audit_finds_what_was_tampered_with(
    store: SqlStore, user: int, clock: FakeClock, statement: str, where: str, what: str
) -> None:
    ledger = Ledger(store.ledger, clock)
    await ledger.deposit(user, Parts(purchased=100), kind="purchase", key="p", counter="clearing")
    await ledger.authorize(user, 10, "open")
    await ledger.authorize(user, 10, "done")
    await ledger.capture(user, "done", held=10, cost=7)
    assert (await ledger.audit()).is_clean
    await store.database.write(lambda session: session.execute(text(statement)))
    report = await ledger.audit()
    assert not report.is_clean
    assert (report.findings[0].where, report.findings[0].what) == (where, what)


async def test_two_processes_that_draw_the_same_ids_both_book(store: SqlStore, user: int, clock: FakeClock) -> None:
    draws = iter([9, 7, 9, 7, 8])  # two numbers of processes, then their workers; a collision draws again
    first, second = (Ledger(store.ledger, clock, draw=lambda _: next(draws)) for _ in range(2))
    await first.deposit(user, Parts(purchased=100), kind="purchase", key="p1", counter="clearing")
    await second.deposit(user, Parts(purchased=100), kind="purchase", key="p2", counter="clearing")
    assert (await first.balances(user)).purchased == 200
    assert (await first.list_entries(user))[0].id != first_id(clock.now())
