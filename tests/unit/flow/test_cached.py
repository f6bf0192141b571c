"""Which calls are the same, what a hit costs, and what is never kept."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gatewayz.dialects.anthropic_messages import ANTHROPIC_MESSAGES_DIALECT
from gatewayz.domain.identity.caller import ANONYMOUS, Caller
from gatewayz.domain.response_cache.response_cache import ResponseCache
from gatewayz.flow.cached import answer_key
from gatewayz.flow.parse import parse
from gatewayz.flow.pipeline import answer
from gatewayz.flow.relay import StreamBody
from gatewayz.flow.values import LeftBehind, Reply
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES
from tests.fakes.flow import CALLER, MODEL, Scene, WireFake
from tests.unit.domain.response_cache.test_response_cache import Clears
from tests.unit.flow.test_pipeline import GOOD_STREAM, NG, PO, ROLE, WHOLE, chunk

MINE = msgspec.structs.replace(CALLER, lets_answers_be_kept=True)
CUT = WHOLE.replace(b'"finish_reason":"stop"', b'"finish_reason":"length"')
EVENTS = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"m","role":"assistant","content":[],'
    b'"usage":{"input_tokens":10,"output_tokens":1}}}\n\n',
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text",'
    b'"text":""}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta",'
    b'"text":"pong"}}\n\n',
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn"},'
    b'"usage":{"output_tokens":5}}\n\n',
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
)


def caching(wire: WireFake, **rules: Any) -> Scene:
    def change(plain: dict[str, Any]) -> None:
        plain["response_cache"] = {"enabled": True, **rules}

    scene = Scene(change, a=wire)
    scene.edition = replace(scene.edition, answers=ResponseCache(Clears(), scene.clock))
    return scene


async def call(scene: Scene, caller: Caller = MINE, header: bytes = b"", **body: Any) -> tuple[Reply, bytes]:
    inbound = scene.inbound(**body)
    reply = await answer(msgspec.structs.replace(inbound, cache_control=header), caller, scene.edition)
    content = reply.body if isinstance(reply.body, bytes) else b"".join([block async for block in reply.body])
    await scene.background.drain(5)
    return reply, content


def sent(scene: Scene) -> int:
    return len(scene.providers["a"].calls)


async def test_a_repeat_is_answered_without_a_provider_and_free() -> None:
    scene = caching(WireFake(WHOLE))
    first, said = await call(scene)
    scene.clock.advance(7)
    again, repeated = await call(scene, model="short", request_id="req_2")
    assert sent(scene) == 1 and scene.billing.asked == ["authorize", "capture", "authorize", "capture"]
    assert first.facts[b"x-cache"] == b"MISS" and again.facts[b"x-cache"] == b"HIT" and again.facts[b"age"] == b"7"
    assert (again.facts[b"x-provider"], again.facts[b"x-requested-model"]) == (b"a", b"short")
    one, two = msgspec.json.decode(said), msgspec.json.decode(repeated)
    spent = two.pop("gateway_usage")
    assert one.pop("gateway_usage")["cost_usd"] == 2e-5 and one == two
    assert (spent["cost_usd"], spent["saved_usd"], spent["cache"], spent["provider"]) == (0, 2e-5, "hit", "a")
    miss, hit = scene.records.settlements
    assert (miss.cache, miss.saved, hit.cache, hit.saved) == ("miss", 0, "hit", 20_000)
    assert (
        hit.charge is not None
        and hit.charge.charged == 0
        and hit.attempts == ()
        and hit.reason == "answered from the response cache"
    )


@pytest.mark.parametrize(("percent", "charged"), [(0, 0), (33, 6_600), (100, 20_000)])
async def test_hits_are_priced_by_rule(percent: int, charged: int) -> None:
    scene = caching(WireFake(WHOLE), hit_price_percent=percent)
    for number in range(2):
        await call(scene, request_id=f"req_{number}")
    hit = scene.records.settlements[1]
    charge = hit.charge
    assert charge is not None and charge.hold.amount == charged
    assert (charge.charged, charge.cost.total, hit.saved) == (charged, charged, 20_000 - charged)


async def test_a_hit_whose_caller_leaves_is_charged_once_and_said_to_be() -> None:
    scene = caching(WireFake(WHOLE), hit_price_percent=100)
    await call(scene)
    capture, charging = scene.billing.capture, asyncio.Event()

    async def slow(*args: Any) -> Any:
        charge = await capture(*args)
        if not charging.is_set():
            charging.set()
            await asyncio.Event().wait()
        return charge

    scene.billing.capture = slow  # type: ignore[method-assign]
    asking = asyncio.ensure_future(call(scene, request_id="req_2"))
    await charging.wait()
    asking.cancel()
    with pytest.raises(LeftBehind):
        await asking
    await scene.background.drain(5)
    hit = scene.records.settlements[1]
    assert hit.charge is not None and (hit.charge.charged, hit.status) == (20_000, 499)
    assert scene.billing.asked.count("void") == 0


async def test_a_number_that_nobody_can_hold_is_not_kept() -> None:
    scene = caching(WireFake(WHOLE))
    body = b'{"model":"vendor/model","messages":[{"role":"user","content":"x","zz":1e400}]}'
    for number in range(2):
        inbound = msgspec.structs.replace(scene.inbound(request_id=f"req_{number}"), body=body)
        await answer(inbound, MINE, scene.edition)
    assert sent(scene) == 2


async def test_streams_are_answered_as_streams() -> None:
    scene = caching(WireFake(GOOD_STREAM))
    first, said = await call(scene, stream=True, stream_options={"include_usage": True})
    again, repeated = await call(scene, stream=True, stream_options={"include_usage": True})
    assert isinstance(first.body, StreamBody) and isinstance(again.body, bytes) and sent(scene) == 1
    assert again.content_type == first.content_type == b"text/event-stream; charset=utf-8"
    assert again.facts[b"cache-control"] == b"no-cache, no-transform"
    assert repeated.endswith(b"data: [DONE]\n\n") and b'"cache":"hit"' in repeated
    assert said[: said.index(b'"gateway_usage"')] == repeated[: repeated.index(b'"gateway_usage"')]
    await call(scene, stream=True)
    assert sent(scene) == 2  # without usage it is another stream


async def test_messages_are_kept_too() -> None:
    scene = caching(WireFake(EVENTS, format=ANTHROPIC_MESSAGES))
    body: dict[str, Any] = {"format": ANTHROPIC_MESSAGES, "max_tokens": 9, "stream": True}
    _, said = await call(scene, **body)
    again, repeated = await call(scene, **body)
    assert again.facts[b"x-cache"] == b"HIT" and sent(scene) == 1
    assert said.count(b"event: ") == repeated.count(b"event: ") == len(EVENTS) and repeated.endswith(EVENTS[-1])


@pytest.mark.parametrize("script", [CUT, (ROLE, PO, NG, chunk("{}", '"length"'), b"data: [DONE]\n\n")])
async def test_what_was_cut_short_is_not_kept(script: Any) -> None:
    scene = caching(WireFake(script))
    for _ in range(2):
        reply, _ = await call(scene, stream=isinstance(script, tuple))
        assert reply.facts[b"x-cache"] == b"MISS"
    assert sent(scene) == 2


async def test_what_broke_or_was_left_is_not_kept() -> None:
    scene = caching(WireFake((ROLE, PO, UpstreamBroken("cut")), (ROLE, PO, NG), GOOD_STREAM))
    _, said = await call(scene, stream=True)
    assert b'"error"' in said
    left = await answer(scene.inbound(stream=True), MINE, scene.edition)
    assert isinstance(left.body, StreamBody)
    await anext(left.body)
    await left.body.aclose()
    reply, _ = await call(scene, stream=True)
    assert reply.facts[b"x-cache"] == b"MISS" and sent(scene) == 3


async def test_long_answers_are_not_kept() -> None:
    scene = caching(WireFake(WHOLE), max_answer_bytes=100)
    await call(scene)
    await call(scene)
    assert sent(scene) == 2


@pytest.mark.parametrize(
    ("caller", "header", "body"),
    [
        (CALLER, b"", {}),
        (msgspec.structs.replace(CALLER, lets_answers_be_kept=False), b"", {}),
        (ANONYMOUS, b"", {}),
        (MINE, b"no-store", {}),
        (MINE, b"", {"cache": False}),
        (MINE, b"", {"conversation": "conv_1"}),
    ],
)
async def test_calls_that_leave_the_cache_alone(caller: Caller, header: bytes, body: dict[str, Any]) -> None:
    scene = caching(WireFake(WHOLE))
    for _ in range(2):
        reply, _ = await call(scene, caller, header, **body)
        assert b"x-cache" not in reply.facts
    assert sent(scene) == 2 and {each.cache for each in scene.records.settlements} == {None}


async def test_no_cache_makes_a_new_answer_that_is_kept() -> None:
    scene = caching(WireFake(WHOLE, WHOLE.replace(b"pong", b"ping"), WHOLE))
    await call(scene)
    fresh, said = await call(scene, header=b"no-cache")
    assert fresh.facts[b"x-cache"] == b"MISS" and b"ping" in said
    again, repeated = await call(scene, header=b"max-age=5")
    assert again.facts[b"x-cache"] == b"HIT" and b"ping" in repeated
    scene.clock.advance(6)
    late, _ = await call(scene, header=b"max-age=5")
    assert late.facts[b"x-cache"] == b"MISS" and sent(scene) == 3


async def test_tenants_never_share_and_keys_may_not() -> None:
    others = [msgspec.structs.replace(MINE, user_id=8), msgspec.structs.replace(MINE, key_id=4)]
    scene = caching(WireFake(WHOLE))
    for caller in (MINE, *others):
        await call(scene, caller)
    assert sent(scene) == 2  # the other key is the same user's
    scene = caching(WireFake(WHOLE), scope="key")
    for caller in (MINE, *others):
        await call(scene, caller)
    assert sent(scene) == 3


async def test_an_offer_that_is_gone_answers_no_more() -> None:
    scene = caching(WireFake(WHOLE))
    await call(scene)

    def other(plain: dict[str, Any]) -> None:
        plain["models"][MODEL]["offers"] = {"a": {"id": "another-model"}}

    moved = Scene(other, a=scene.providers["a"])
    scene.edition = replace(scene.edition, catalog=moved.edition.catalog)
    reply, _ = await call(scene)
    assert reply.facts[b"x-cache"] == b"MISS" and sent(scene) == 2


FULL: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
    "temperature": 0.5,
    "top_p": 0.5,
    "n": 2,
    "seed": 1,
    "stop": ["a"],
    "max_tokens": 10,
    "presence_penalty": 0.1,
    "frequency_penalty": 0.1,
    "logit_bias": {"1": 2},
    "logprobs": True,
    "user": "x",
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
    "tool_choice": "auto",
    "response_format": {"type": "text"},
    "stream": False,
    "provider": "a",
    "vendor_extra": 1,
}
CHANGES: dict[str, Any] = {
    "messages": [{"role": "system", "content": "t"}, {"role": "user", "content": "u"}],
    "temperature": 0.6,
    "top_p": 0.6,
    "n": 1,
    "seed": 2,
    "stop": ["b"],
    "max_tokens": 11,
    "presence_penalty": 0.2,
    "frequency_penalty": 0.2,
    "logit_bias": {"1": 3},
    "logprobs": False,
    "user": "y",
    "tools": [{"type": "function", "function": {"name": "g", "parameters": {"type": "object"}}}],
    "tool_choice": "none",
    "response_format": {"type": "json_object"},
    "stream": True,
    "vendor_extra": 2,
}


def key(scene: Scene, body: bytes | dict[str, Any], tenant: str = "user 7", generation: int = 0) -> bytes:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body)
    inbound = msgspec.structs.replace(scene.inbound(), body=raw)
    return answer_key(parse(inbound, scene.edition), inbound.headers, tenant, generation)


@pytest.mark.parametrize("name", CHANGES)
def test_any_changed_member_is_another_call(name: str) -> None:
    scene = Scene(a=WireFake(WHOLE))
    assert key(scene, FULL) != key(scene, {**FULL, name: CHANGES[name]})
    if name not in ("messages", "stream"):  # the first must be there, the second is false where it is not
        assert key(scene, FULL) != key(scene, {each: value for each, value in FULL.items() if each != name})


def test_what_else_makes_another_call() -> None:
    scene = Scene(a=WireFake(WHOLE), b=WireFake(WHOLE))
    keys = {
        key(scene, FULL),
        key(scene, {**FULL, "provider": "b"}),
        key(scene, FULL, tenant="user 8"),
        key(scene, FULL, tenant="key 7"),
        key(scene, FULL, generation=1),
    }
    assert len(keys) == 5


def test_order_spacing_and_names_of_the_model_do_not() -> None:
    scene = Scene(a=WireFake(WHOLE))
    spaced = json.dumps(dict(reversed(FULL.items())), indent=2).encode()
    assert key(scene, spaced) == key(scene, FULL) == key(scene, {**FULL, "model": "short", "cache": True})


def test_headers_of_the_format_are_part_of_a_call() -> None:
    scene = Scene(a=WireFake(WHOLE, format=ANTHROPIC_MESSAGES))
    inbound = scene.inbound(ANTHROPIC_MESSAGES, max_tokens=5)
    assert ANTHROPIC_MESSAGES_DIALECT.read_head(inbound.body).model == MODEL
    parsed = parse(inbound, scene.edition)
    plain, beta = (answer_key(parsed, headers, "user 7", 0) for headers in ((), ((b"anthropic-beta", b"x"),)))
    assert plain != beta
