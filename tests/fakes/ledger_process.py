"""A process that spends: `python -m tests.fakes.ledger_process URL USER_ID NAME COUNT AMOUNT MODE`.

MODE `hold` only sets money aside; `pair` also charges half of it, with a mark before. Each outcome that was
acknowledged is a line on standard output: `held KEY`, `charged KEY AMOUNT`, `refused KEY`.
"""

import asyncio
import sys

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


async def main(url: str, user_id: int, name: str, count: int, amount: int, mode: str) -> None:
    store = await open_store(StoreSettings(url=url, migrate=False))
    ledger = Ledger(store.ledger, SystemClock())
    await store.ledger.beat(ledger.process_id, ledger.now_ms())
    say("ready")
    await asyncio.to_thread(sys.stdin.readline)
    numbers = iter(range(count))

    async def worker() -> None:
        for number in numbers:
            await spend(ledger, user_id, f"{name}:{number}", amount, mode)

    await asyncio.gather(*(worker() for _ in range(16)))
    await ledger.aclose()
    await store.aclose()


if __name__ == "__main__":
    url, user_id, name, count, amount, mode = sys.argv[1:]
    asyncio.run(main(url, int(user_id), name, int(count), int(amount), mode))
