"""A process that spends: `python -m tests.fakes.ledger_process URL USER_ID NAME COUNT AMOUNT MODE`.

MODE `hold` only sets money aside; `pair` also charges half of it, with a mark before; `stream` delivers in pieces of
chance (seeded by NAME), marks some, raises the hold ahead of them, and in the end charges all or gives up. Each
outcome that was acknowledged is a line on standard output: `held KEY`, `charged KEY AMOUNT`, `refused KEY`,
`voided KEY`; so are `delivered KEY AMOUNT`, before anything is told of it, and `marked KEY AMOUNT`.
"""

import asyncio
import sys
from random import Random

from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.clock import SystemClock
from gatewayz.sdk.errors import PaymentRequired
from gatewayz.store.open import open_store


def say(*words: object) -> None:
    print(*words, flush=True)


async def spend(ledger: Ledger, user_id: int, key: str, amount: int, mode: str) -> None:
    try:
        await ledger.authorize(user_id, amount, key)
    except PaymentRequired:
        say("refused", key)
        return
    say("held", key)
    if mode == "pair":
        ledger.mark(user_id, key, amount // 4)
        await ledger.write_marks()
        captured = await ledger.capture(user_id, key, held=amount, cost=amount // 2)
        say("charged", key, captured.charged)


async def stream(ledger: Ledger, user_id: int, key: str, amount: int) -> None:
    """Deliver as a running stream does: never more than is held."""
    chance = Random(key)
    try:
        held = await ledger.authorize(user_id, amount, key)
    except PaymentRequired:
        say("refused", key)
        return
    say("held", key)
    if chance.random() < 0.1:
        await ledger.void(user_id, key, held=held)
        say("voided", key)
        return
    delivered = 0
    for _ in range(chance.randint(1, 6)):
        piece = chance.randint(1, amount // 2)
        if delivered + piece > held:
            try:
                held = await ledger.extend(user_id, delivered + piece + amount // 2, key)
            except PaymentRequired:
                break
        delivered += piece
        say("delivered", key, delivered)
        if chance.random() < 0.5:
            ledger.mark(user_id, key, delivered)
            await ledger.write_marks()
            say("marked", key, delivered)
        await asyncio.sleep(chance.random() * 0.01)
    captured = await ledger.capture(user_id, key, held=held, cost=delivered)
    say("charged", key, captured.charged)


async def main(url: str, user_id: int, name: str, count: int, amount: int, mode: str) -> None:
    store = await open_store(StoreSettings(url=url, migrate=False))
    ledger = Ledger(store.ledger, SystemClock())
    await store.ledger.beat(ledger.process_id, ledger.now_ms())
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            key = f"{name}:{number}"
            if mode == "stream":
                await stream(ledger, user_id, key, amount)
            else:
                await spend(ledger, user_id, key, amount, mode)

    await asyncio.gather(*(worker() for _ in range(16)))
    await ledger.aclose()
    await store.aclose()


if __name__ == "__main__":
    url, user_id, name, count, amount, mode = sys.argv[1:]
    asyncio.run(main(url, int(user_id), name, int(count), int(amount), mode))
