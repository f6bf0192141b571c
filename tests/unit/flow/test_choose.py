"""Calls that name a router: what it is asked, what is tried, and what the answer says."""

import dataclasses
from typing import Any

import msgspec
import pytest

from gatewayz.domain.routing.pools import Pools
from gatewayz.flow.pipeline import answer
from gatewayz.flow.relay import StreamBody
from gatewayz.sdk.chat import (
    Choice,
    ChoiceFinished,
    Completion,
    StreamStarted,
    Text,
    TextDelta,
    UsageReported,
)
from gatewayz.sdk.errors import InvalidRequest, NoOfferLeft, PaymentRequired, UpstreamBroken
from gatewayz.sdk.money import Nano
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_EMBEDDINGS
from tests.fakes.flow import CALLER, CountingBilling, Scene, TypedFake, WireFake
from tests.fakes.pool_router import FakePoolRouter

WHOLE = (
    b'{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"pong"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}'
)
STREAM = (
    b'data: {"id":"c1","model":"up","choices":[{"index":0,"delta":{"content":"pong"},"finish_reason":null}]}\n\n',
    b'data: {"id":"c1","model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
    b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n',
    b"data: [DONE]\n\n",
)
COMPLETION = Completion(
    id="c1",
    model="up",
    created=1,
    choices=(Choice(parts=(Text(text="pong"),)),),
    usage=Usage(input_tokens=10, output_tokens=5),
)
EVENTS = (
    StreamStarted(id="c1", model="up", created=1),
    TextDelta(text="pong"),
    ChoiceFinished(reason="stop"),
    UsageReported(usage=Usage(input_tokens=10, output_tokens=5)),
)
CHEAP, DEAR = "vendor/cheap", "vendor/dear"


def scene(router: FakePoolRouter, **providers: WireFake) -> Scene:
    def two_models(plain: dict[str, Any]) -> None:
        plain["models"] = {
            CHEAP: {"price": {"input": "1", "output": "1"}, "offers": {"first": {"id": "c"}}},
            DEAR: {"price": {"input": "9", "output": "9"}, "offers": {"second": {"id": "d"}}},
        }
        plain["aliases"] = {}

    made = Scene(two_models, **providers)
    pools = Pools({"general": router}, {name: each.capabilities for name, each in providers.items()})
    made.edition = dataclasses.replace(made.edition, pools=pools)
    return made


async def ask(made: Scene, **body: Any) -> Any:
    return await answer(made.inbound(**{"model": "router:general:cost", **body}), CALLER, made.edition)


async def whole(made: Scene, **body: Any) -> dict[str, Any]:
    reply = await ask(made, **body)
    assert isinstance(reply.body, bytes)
    decoded: dict[str, Any] = msgspec.json.decode(reply.body)
    return decoded


async def test_the_answer_names_the_model_that_answered_and_says_how_it_was_chosen() -> None:
    router = FakePoolRouter(CHEAP, DEAR)
    made = scene(router, first=WireFake(WHOLE), second=WireFake(WHOLE))
    body = await whole(made)
    assert body["model"] == CHEAP
    metadata = body["routing_metadata"]
    assert metadata["selected_model"] == CHEAP
    assert metadata["routing_latency_ms"] >= 0
    assert made.records.settlements[0].requested_model == "router:general:cost"


async def test_the_router_is_asked_with_the_conversation() -> None:
    router = FakePoolRouter(CHEAP)
    made = scene(router, first=WireFake(WHOLE), second=WireFake(WHOLE))
    messages = [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "first words"},
        {"role": "assistant", "content": "yes"},
        {"role": "user", "content": [{"type": "text", "text": "last"}, {"type": "text", "text": "words"}]},
    ]
    await whole(made, messages=messages, max_tokens=7, user="u1", max_price={"prompt": 2.5})
    call = router.calls[0]
    assert (call.mode, call.model) == ("cost", "router:general:cost")
    assert (call.prompt, call.opening) == ("last\nwords", "first words")
    assert (call.messages, call.user_messages, call.max_output_tokens, call.affinity) == (4, 2, 7, "u1")
    assert call.price_cap is not None
    assert call.price_cap.prompt == 2.5
    assert {offer.model for offer in router.given[0]} == {CHEAP, DEAR}


async def test_the_next_model_answers_when_the_first_fails() -> None:
    made = scene(FakePoolRouter(CHEAP, DEAR), first=WireFake(UpstreamBroken("down")), second=WireFake(WHOLE))
    reply = await ask(made)
    body = msgspec.json.decode(reply.body)
    assert body["model"] == DEAR
    assert body["routing_metadata"]["selected_model"] == DEAR
    assert body["routing_metadata"]["first_choice"] == CHEAP
    assert dict(reply.facts)[b"x-model"] == DEAR.encode()


async def test_the_hold_covers_the_dearest_model_that_may_be_tried() -> None:
    made = scene(FakePoolRouter(CHEAP, DEAR), first=WireFake(WHOLE), second=WireFake(WHOLE))
    await whole(made, max_tokens=1000)
    charge = made.records.settlements[0].charge
    assert charge is not None
    assert charge.offer.model == CHEAP
    assert charge.hold.amount >= 9 * 1000 * 1000


@pytest.mark.parametrize("translated", [False, True])
async def test_a_stream_names_the_model_and_ends_with_the_metadata(translated: bool) -> None:
    provider = TypedFake(events=EVENTS) if translated else WireFake(STREAM)
    made = scene(FakePoolRouter(CHEAP), first=provider, second=WireFake(WHOLE))
    reply = await ask(made, stream=True)
    assert isinstance(reply.body, StreamBody)
    text = b"".join([block async for block in reply.body]).decode()
    chunks = [msgspec.json.decode(line[6:]) for line in text.split("\n") if line.startswith("data: {")]
    assert {chunk["model"] for chunk in chunks} == {CHEAP}
    assert chunks[-1]["routing_metadata"]["selected_model"] == CHEAP
    assert chunks[-1]["gateway_usage"]["provider"] == "first"
    assert text.endswith("data: [DONE]\n\n")


async def test_other_formats_carry_the_metadata_too() -> None:
    made = scene(FakePoolRouter(CHEAP), first=TypedFake(COMPLETION), second=WireFake(WHOLE))
    body = await whole(made, format=ANTHROPIC_MESSAGES, max_tokens=5)
    assert body["type"] == "message"
    assert body["model"] == CHEAP
    assert body["routing_metadata"]["selected_model"] == CHEAP


async def test_plain_calls_carry_none() -> None:
    made = scene(FakePoolRouter(CHEAP), first=WireFake(WHOLE), second=WireFake(WHOLE))
    assert "routing_metadata" not in await whole(made, model=CHEAP)


async def test_when_no_model_is_eligible_it_is_503_and_says_why() -> None:
    made = scene(FakePoolRouter(), first=WireFake(WHOLE), second=WireFake(WHOLE))
    with pytest.raises(NoOfferLeft, match=r"no model is eligible: no vision \(2\)"):
        await ask(made)
    assert made.billing.asked == []


async def test_embeddings_have_no_router() -> None:
    made = scene(FakePoolRouter(CHEAP), first=WireFake(WHOLE), second=WireFake(WHOLE))
    with pytest.raises(InvalidRequest, match="conversations only"):
        await ask(made, format=OPENAI_EMBEDDINGS, input="text")


class Purse(CountingBilling):
    """Holds no more than what is in it."""

    def __init__(self, spendable: int) -> None:
        super().__init__()
        self._spendable = spendable

    async def authorize(self, account: int | None, amount: Nano, key: str) -> Any:
        if amount > self._spendable:
            raise PaymentRequired("not enough")
        return await super().authorize(account, amount, key)

    async def balance(self, account: int) -> Nano | None:
        return Nano(self._spendable)


async def test_a_model_that_cannot_be_paid_is_not_fallen_back_to() -> None:
    made = scene(FakePoolRouter(CHEAP, DEAR), first=WireFake(UpstreamBroken("down")), second=WireFake(WHOLE))
    made.edition = dataclasses.replace(made.edition, billing=Purse(3_000_000))
    with pytest.raises(UpstreamBroken):
        await ask(made, max_tokens=1000)
    settlement = made.records.settlements[0]
    assert [offer.model for offer in settlement.candidates] == [CHEAP]
    assert "the balance does not cover 1 more" in settlement.reason


async def test_the_chosen_model_answers_who_can_pay_it() -> None:
    made = scene(FakePoolRouter(CHEAP, DEAR), first=WireFake(WHOLE), second=WireFake(WHOLE))
    made.edition = dataclasses.replace(made.edition, billing=Purse(3_000_000))
    assert (await whole(made, max_tokens=1000))["model"] == CHEAP
    charge = made.records.settlements[0].charge
    assert charge is not None
    assert charge.hold.amount <= 3_000_000


async def test_who_cannot_pay_the_chosen_model_is_not_given_a_cheaper_one() -> None:
    made = scene(FakePoolRouter(DEAR, CHEAP), first=WireFake(WHOLE), second=WireFake(WHOLE))
    made.edition = dataclasses.replace(made.edition, billing=Purse(3_000_000))
    with pytest.raises(PaymentRequired):
        await ask(made, max_tokens=1000)
