"""Streams of several real processes that are killed at moments of chance, then swept: what is booked is what was told.

The seed decides who is killed when and what each stream does; GATEWAYZ_TEST_SEED chooses another.
"""

import asyncio
import os
from collections.abc import Iterator
from random import Random

import pytest

from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.store.ledger_records import HoldState
from gatewayz.store.sql.store import SqlStore
from tests.unit.domain.ledger.test_processes import spending, sweep_later

SEED = int(os.environ.get("GATEWAYZ_TEST_SEED", "20261125"))
FUNDS, AMOUNT = 40_000, 200
AT_ONCE = 16
"""Streams of one process."""


class Told:
    """What processes said of their streams, by key, up to their deaths."""

    def __init__(self, lines: list[str]) -> None:
        self.held: set[str] = set()
        self.refused: set[str] = set()
        self.voided: set[str] = set()
        self.amounts: dict[str, dict[str, int]] = {"delivered": {}, "marked": {}, "charged": {}}
        for words in map(str.split, lines):
            if words[0] in self.amounts and len(words) == 3:
                self.amounts[words[0]][words[1]] = int(words[2])
            elif words[0] in ("held", "refused", "voided") and len(words) == 2:
                getattr(self, words[0]).add(words[1])

    def of(self, what: str, key: str) -> int:
        return self.amounts[what].get(key, 0)

    @property
    def cut_off(self) -> set[str]:
        """Streams whose end was not told."""
        return self.held - self.voided - self.amounts["charged"].keys()


@pytest.fixture
def chance() -> Iterator[Random]:
    yield Random(SEED)


async def test_kills_at_random_lose_what_was_delivered_after_the_last_mark_and_no_more(
    url: str, store: SqlStore, ledger: Ledger, user: int, chance: Random
) -> None:
    await ledger.deposit(user, Parts(purchased=FUNDS), kind="purchase", key="p", counter="clearing")
    names = [f"{SEED}.{number}" for number in range(3)]
    with spending(url, user, names, count=100_000, amount=AMOUNT, mode="stream") as processes:
        for process in chance.sample(processes, len(processes)):
            await asyncio.sleep(chance.uniform(0.05, 0.35))
            process.kill()
        lines = [line for process in processes for line in process.communicate()[0].splitlines()]
    told = Told(lines)
    assert told.held, "they were killed before they had begun"
    report = await ledger.audit()
    assert report.is_clean, report.findings
    await sweep_later(ledger, store)
    assert (await ledger.balances(user)).held == 0

    charged_in_all = 0
    for key in told.held:
        charged_in_all += await _check(key, told, store)
    balances = await ledger.balances(user)
    assert balances.purchased >= 0
    unheard = FUNDS - balances.purchased - charged_in_all
    assert 0 <= unheard <= len(names) * AT_ONCE * AMOUNT, "holds whose process died before it could say so"
    lost = sum(told.of("delivered", key) for key in told.amounts["delivered"]) - charged_in_all
    after_marks = sum(told.of("delivered", key) - told.of("marked", key) for key in told.cut_off)
    assert 0 <= lost <= after_marks


async def _check(key: str, told: Told, store: SqlStore) -> int:
    """Return what a stream was charged, which was settled once, for what it had marked at least."""
    hold = await store.ledger.find_hold(key)
    assert hold is not None and hold.state != HoldState.OPEN
    if key in told.voided:
        assert hold.captured == 0
    elif key in told.amounts["charged"]:
        assert hold.captured == told.of("charged", key) == told.of("delivered", key)
    else:
        assert told.of("marked", key) <= hold.captured <= told.of("delivered", key)
    return hold.captured
