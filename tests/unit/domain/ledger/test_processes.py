"""Several real processes on one database, and processes that are killed."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gatewayz.config.sections.money import Ledger as LedgerSettings
from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.ledger.operations import Balances
from gatewayz.domain.ledger.sweep import Sweeper
from gatewayz.store.ledger_records import HoldState
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).parents[4]
Process = subprocess.Popen[str]


@contextmanager
def spending(url: str, user: int, names: list[str], *, count: int, amount: int, mode: str) -> Iterator[list[Process]]:
    """Yield processes that are ready and start spending at once."""
    started: list[Process] = []
    for name in names:
        command = [
            sys.executable,
            "-m",
            "tests.fakes.ledger_process",
            url,
            str(user),
            name,
            str(count),
            str(amount),
            mode,
        ]
        started.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT))
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        for process in started:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


async def test_three_processes_grant_exactly_what_is_there(
    url: str, store: SqlStore, ledger: Ledger, user: int
) -> None:
    await ledger.deposit(user, Parts(purchased=70), kind="purchase", key="p", counter="clearing")
    with spending(url, user, ["a", "b", "c"], count=67, amount=1, mode="hold") as processes:
        said = [line for process in processes for line in process.communicate(timeout=60)[0].splitlines()]
        assert [process.returncode for process in processes] == [0, 0, 0]
    outcomes = [line.split()[0] for line in said]
    assert (outcomes.count("held"), outcomes.count("refused")) == (70, 3 * 67 - 70)
    assert await ledger.balances(user) == Balances(held=70)


async def test_a_killed_process_loses_nothing_and_leaks_nothing(
    url: str, store: SqlStore, ledger: Ledger, user: int
) -> None:
    funds, amount = 10_000_000, 400
    await ledger.deposit(user, Parts(purchased=funds), kind="purchase", key="p", counter="clearing")
    with spending(url, user, ["a", "b"], count=100_000, amount=amount, mode="pair") as processes:
        await asyncio.sleep(0.7)
        for process in processes:
            process.kill()
        said = [line.split() for process in processes for line in process.communicate()[0].splitlines()]
    acknowledged = {words[1]: int(words[2]) for words in said if words[0] == "charged" and len(words) == 3}
    assert len(acknowledged) > 10
    assert (await ledger.audit()).is_clean

    for key, charged in list(acknowledged.items())[:50]:
        hold = await store.ledger.find_hold(key)
        assert hold is not None
        assert (hold.state, hold.captured) == (HoldState.CAPTURED, charged)
    await sweep_later(ledger, store)
    balances = await ledger.balances(user)
    assert balances.held == 0
    spent, in_flight = funds - balances.purchased, 2 * 16 * amount
    assert sum(acknowledged.values()) <= spent <= sum(acknowledged.values()) + in_flight


async def sweep_later(ledger: Ledger, store: SqlStore) -> None:
    """Sweep as a process that lives a minute later."""
    later = FakeClock(now=datetime.now(UTC) + timedelta(minutes=1))
    other = Ledger(store.ledger, later)
    sweeper = Sweeper(other, store.ledger, later, LedgerSettings())
    while await sweeper.sweep():
        pass
    await other.aclose()
