"""A search inside a call: what is held for it, what it costs, and what happens when it is slow or left."""

import asyncio
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gatewayz.flow import ground
from gatewayz.flow.edition import Edition
from gatewayz.flow.pipeline import answer
from gatewayz.sdk.tools import SearchArguments, SearchHit, ToolOutcome, search_result
from tests.fakes.flow import CALLER, Scene, WireFake
from tests.unit.flow.test_pipeline import WHOLE


class Search:
    description = "Search."
    arguments = SearchArguments
    is_available = True

    def __init__(self, content: str = "fresh", pause: asyncio.Event | None = None) -> None:
        self._content = content
        self._pause = pause
        self.queries: list[str] = []
        self.begun = asyncio.Event()

    async def run(self, arguments: SearchArguments) -> ToolOutcome:
        self.queries.append(arguments.query)
        self.begun.set()
        if self._pause is not None:
            await self._pause.wait()
        hit = SearchHit(title="T" * 9_000, url="https://e.example/", content=self._content)
        return ToolOutcome(result=search_result(arguments.query, (hit,)))


def roomy(plain: dict[str, Any]) -> None:
    next(iter(plain["models"].values()))["context_length"] = 100_000


def edition_of(scene: Scene, search: Search) -> Edition:
    return replace(scene.edition, tools={"web_search": search})


async def held(scene: Scene, edition: Edition, **body: Any) -> int:
    asked: list[int] = []
    authorize = scene.billing.authorize

    async def noted(account: int | None, amount: Any, key: str) -> Any:
        asked.append(amount)
        return await authorize(account, amount, key)

    scene.billing.authorize = noted  # type: ignore[method-assign]
    reply = await answer(scene.inbound(max_tokens=10, **body), CALLER, edition)
    assert reply.facts.get(b"x-web-search") == (b"used" if body else None)
    return asked[0]


async def test_money_is_held_for_what_may_be_found_and_the_context_is_bounded() -> None:
    scene, search = Scene(roomy, a=WireFake(WHOLE)), Search()
    edition = edition_of(scene, search)
    plain, searched = await held(scene, edition), await held(scene, edition, auto_web_search=True)
    first = msgspec.json.decode(scene.providers["a"].calls[-1].fields["messages"])[0]["content"]
    assert search.queries == ["ping"] and 6_000 < len(first) < 6_400
    assert searched - plain >= len(first) // 4 * 1_000  # a dollar for a million tokens


async def test_a_slow_search_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "_WAIT_S", 0.01)
    scene = Scene(roomy, a=WireFake(WHOLE))
    reply = await answer(scene.inbound(auto_web_search=True), CALLER, edition_of(scene, Search(pause=asyncio.Event())))
    assert (reply.facts[b"x-web-search"], reply.facts[b"x-web-search-error"]) == (b"failed", b"timeout")
    assert scene.billing.asked == ["authorize", "capture"]


async def test_a_caller_that_leaves_during_the_search_is_not_charged() -> None:
    scene, search = Scene(roomy, a=WireFake(WHOLE)), Search(pause=asyncio.Event())
    call = answer(scene.inbound(auto_web_search=True), CALLER, edition_of(scene, search))
    running = asyncio.create_task(call)
    await search.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await scene.background.drain(1)
    assert scene.billing.asked == ["authorize", "void"] and not scene.providers["a"].calls
    (settled,) = scene.records.settlements
    assert settled.status == 499


async def test_without_a_search_tool_the_call_goes_on_and_is_told() -> None:
    scene = Scene(roomy, a=WireFake(WHOLE))
    reply = await answer(scene.inbound(auto_web_search=True), CALLER, scene.edition)
    assert (reply.facts[b"x-web-search"], reply.facts[b"x-web-search-error"]) == (b"failed", b"configuration")
