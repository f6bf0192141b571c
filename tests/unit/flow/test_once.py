"""A call with an id of its caller's: charged once, whenever its caller leaves."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gatewayz.domain.idempotency.idempotency import Idempotency
from gatewayz.flow.once import answer_once
from gatewayz.flow.values import Reply
from gatewayz.sdk.errors import Conflict
from gatewayz.store.sql.database import open_database
from gatewayz.store.sql.store import SqlStore
from tests.fakes.clock import FakeClock
from tests.fakes.databases import sqlite_url
from tests.fakes.flow import CALLER, Scene, WireFake

WHOLE = (
    b'{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"pong"}}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}'
)


@pytest.fixture
async def idempotency(tmp_path: Path) -> AsyncIterator[Idempotency]:
    store = SqlStore(open_database(sqlite_url(tmp_path)))
    yield Idempotency(store.idempotency, FakeClock())
    await store.aclose()


class Announcing(WireFake):
    """Tells when it is first called."""

    def __init__(self, *script: Any) -> None:
        super().__init__(*script)
        self.asked = asyncio.Event()

    async def exchange(self, *args: Any) -> Any:
        self.asked.set()
        return await super().exchange(*args)


async def ask(scene: Scene, idempotency: Idempotency) -> Reply:
    return await answer_once(scene.inbound(), CALLER, scene.edition, idempotency, "k")


async def test_a_caller_that_leaves_while_it_is_charged_is_not_charged_again(idempotency: Idempotency) -> None:
    scene = Scene(a=WireFake(WHOLE))
    charging, go_on = asyncio.Event(), asyncio.Event()
    capture = scene.billing.capture

    async def slow(*args: Any) -> Any:
        charging.set()
        await go_on.wait()
        return await capture(*args)

    scene.billing.capture = slow  # type: ignore[method-assign]
    asking = asyncio.ensure_future(ask(scene, idempotency))
    await charging.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    go_on.set()
    await scene.background.drain(5)
    assert scene.billing.asked.count("capture") == 1
    with pytest.raises(Conflict):
        await ask(scene, idempotency)
    assert scene.billing.asked.count("capture") == 1 and len(scene.providers["a"].calls) == 1


async def test_a_caller_that_leaves_before_the_answer_may_ask_again(idempotency: Idempotency) -> None:
    provider = Announcing(asyncio.Event(), WHOLE)
    scene = Scene(a=provider)
    asking = asyncio.ensure_future(ask(scene, idempotency))
    await provider.asked.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await scene.background.drain(5)
    assert b"pong" in (await ask(scene, idempotency)).body  # type: ignore[operator]
    assert scene.billing.asked.count("capture") == 1


async def test_a_caller_that_leaves_while_its_answer_is_kept_gets_it_again(idempotency: Idempotency) -> None:
    scene = Scene(a=WireFake(WHOLE))
    end, ending = idempotency.end, asyncio.Event()

    async def slow(*args: Any) -> None:
        if not ending.is_set():
            ending.set()
            await asyncio.Event().wait()
        await end(*args)

    idempotency.end = slow  # type: ignore[method-assign]
    asking = asyncio.ensure_future(ask(scene, idempotency))
    await ending.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await scene.background.drain(5)
    again = await ask(scene, idempotency)
    assert again.body == WHOLE or b"pong" in again.body  # type: ignore[operator]
    assert dict(again.facts)[b"idempotent-replayed"] == b"true"
    assert len(scene.providers["a"].calls) == 1
