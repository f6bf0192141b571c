"""One request from end to end over scripted providers: who is tried, what is charged, what the caller sees."""

import asyncio

import msgspec
import pytest

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
from gatewayz.sdk.errors import (
    ModelNotFound,
    NoOfferLeft,
    PaymentRequired,
    StoreUnavailable,
    UpstreamBroken,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from gatewayz.sdk.usage import Usage
from tests.fakes.flow import CALLER, MODEL, Scene, TypedFake, WireFake

WHOLE = (
    b'{"id":"c1","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":'
    b'{"role":"assistant","content":"pong"},"finish_reason":"stop"}],'
    b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}'
)


def chunk(delta: str, finish: str = "null", rest: str = "") -> bytes:
    return (
        f'data: {{"id":"c1","model":"up","choices":[{{"index":0,"delta":{delta},"finish_reason":{finish}}}]{rest}}}\n\n'
    ).encode()


ROLE, PO, NG = chunk('{"role":"assistant"}'), chunk('{"content":"po"}'), chunk('{"content":"ng"}')
STOP = chunk("{}", '"stop"')
USAGE = b'data: {"id":"c1","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}\n\n'
DONE = b"data: [DONE]\n\n"
GOOD_STREAM = (ROLE, PO, NG, STOP, USAGE, DONE)


async def ask(scene: Scene, **body: object) -> dict:
    reply = await answer(scene.inbound(**body), CALLER, scene.edition)
    assert isinstance(reply.body, bytes)
    return msgspec.json.decode(reply.body)


async def stream(scene: Scene, **body: object) -> StreamBody:
    reply = await answer(scene.inbound(stream=True, **body), CALLER, scene.edition)
    assert isinstance(reply.body, StreamBody)
    return reply.body


async def read(body: StreamBody) -> bytes:
    return b"".join([block async for block in body])


async def test_a_whole_answer_is_charged_and_told() -> None:
    scene = Scene(a=WireFake(WHOLE))
    shown = await ask(scene, model="short")
    assert shown["model"] == MODEL
    assert shown["gateway_usage"]["cost_usd"] == pytest.approx(20e-6) and shown["gateway_usage"]["provider"] == "a"
    assert scene.providers["a"].calls[0].model == "a-model"
    (settled,) = scene.records.settlements
    assert settled.charge.charged == 20_000 and settled.status == 200 and settled.requested_model == "short"
    assert [attempt.outcome for attempt in settled.attempts] == ["success"]
    assert scene.billing.asked == ["authorize", "capture"]


async def test_only_streams_say_how_fast_first_content_comes() -> None:
    """The time of a whole answer tells its length, not how soon it began."""
    scene = Scene(a=WireFake(WHOLE, GOOD_STREAM))
    (offer,) = scene.edition.catalog.resolve(MODEL).offers
    await ask(scene)
    assert scene.edition.signals.latency_p50_ms(offer) is None
    assert scene.records.attempts[-1].first_content_ms is None
    await read(await stream(scene))
    assert scene.edition.signals.latency_p50_ms(offer) is not None
    assert scene.records.attempts[-1].first_content_ms is not None


async def test_the_hold_comes_before_any_provider() -> None:
    scene = Scene(a=WireFake(WHOLE))

    async def refuse(*_: object) -> None:
        raise PaymentRequired("no credit")

    scene.billing.authorize = refuse  # type: ignore[method-assign]
    with pytest.raises(PaymentRequired):
        await ask(scene)
    assert scene.providers["a"].calls == []


async def test_an_unknown_model_reaches_nobody() -> None:
    scene = Scene(a=WireFake(WHOLE))
    with pytest.raises(ModelNotFound):
        await ask(scene, model="vendor/modle")
    assert scene.providers["a"].calls == [] and scene.billing.asked == []


@pytest.mark.parametrize(
    "fault",
    [
        UpstreamOverloaded("busy", provider_status=503),
        UpstreamTimeout("slow", phase="first_byte"),
        UpstreamModelMissing("gone"),
        UpstreamRateLimited("slow down"),
        UpstreamBroken("junk"),
    ],
)
async def test_a_fault_moves_on_to_the_next_offer(fault: UpstreamError) -> None:
    scene = Scene(a=WireFake(fault), b=WireFake(WHOLE))
    shown = await ask(scene)
    assert shown["gateway_usage"]["provider"] == "b"
    assert [a.offer.provider for a in scene.records.settlements[0].attempts] == ["a", "b"]


async def test_the_callers_own_fault_is_tried_once() -> None:
    scene = Scene(a=WireFake(UpstreamRejected("bad temperature", provider_status=400)), b=WireFake(WHOLE))
    with pytest.raises(UpstreamRejected):
        await ask(scene)
    assert len(scene.records.attempts) == 1 and scene.providers["b"].calls == []
    assert scene.billing.asked == ["authorize", "void"]
    assert scene.breakers.view("a").failure_count == 0


async def test_when_all_fail_the_caller_hears_of_it_and_pays_nothing() -> None:
    scene = Scene(a=WireFake(UpstreamBroken("x", provider_status=500)), b=WireFake(UpstreamBroken("y")))
    with pytest.raises(UpstreamBroken) as failure:
        await ask(scene)
    assert failure.value.code == "ALL_PROVIDERS_FAILED"
    assert failure.value.context["failed_providers"] == ["a", "b"]
    assert scene.billing.asked == ["authorize", "void"]
    assert scene.records.settlements[0].charge is None


async def test_five_failures_open_the_breaker_and_the_next_call_skips_it() -> None:
    scene = Scene(a=WireFake(UpstreamBroken("x", provider_status=500)), b=WireFake(WHOLE))
    for n in range(5):
        await ask(scene, request_id=f"req_{n}")
    assert scene.breakers.view("a").state == "OPEN"
    before = len(scene.providers["a"].calls)
    await ask(scene, request_id="req_next")
    assert len(scene.providers["a"].calls) == before
    scene.clock.advance(300)
    assert scene.breakers.view("a").state == "HALF_OPEN"


async def test_a_rate_limited_only_offer_answers_429_and_then_waits() -> None:
    scene = Scene(a=WireFake(UpstreamRateLimited("slow down", retry_after_s=7)))
    with pytest.raises(UpstreamRateLimited) as first:
        await ask(scene)
    assert first.value.retry_after_s == 7
    with pytest.raises((UpstreamRateLimited, NoOfferLeft)) as second:
        await ask(scene, request_id="req_2")
    assert len(scene.providers["a"].calls) == 1 and second.value.retry_after_s == pytest.approx(7)
    scene.clock.advance(7.1)
    with pytest.raises(UpstreamRateLimited):
        await ask(scene, request_id="req_3")
    assert len(scene.providers["a"].calls) == 2


async def test_missing_usage_is_counted_and_said() -> None:
    scene = Scene(
        a=WireFake(WHOLE.replace(b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}', b'"x":1'))
    )
    shown = await ask(scene)
    assert shown["gateway_usage"]["usage_source"] == "estimated"
    assert scene.records.settlements[0].charge.usage.output_tokens == 1


NOTHING = b'"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}'


async def test_usage_of_zeros_is_no_usage() -> None:
    told = b'"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}'
    whole = WHOLE.replace(told, NOTHING)
    scene = Scene(a=WireFake(whole, (ROLE, PO, NG, STOP, USAGE.replace(told, NOTHING), DONE)))
    assert (await ask(scene))["gateway_usage"]["usage_source"] == "estimated"
    assert b'"usage_source":"estimated"' in await read(await stream(scene))
    assert [settled.charge.charged > 0 for settled in scene.records.settlements] == [True, True]


async def test_zeros_of_a_translated_answer_are_estimated_for_the_caller_too() -> None:
    parts = (Text(text="pong"),)
    scene = Scene(a=TypedFake(Completion(id="x", model="up", created=1, choices=(Choice(parts=parts),))))
    shown = await ask(scene)
    assert shown["usage"]["total_tokens"] == shown["gateway_usage"]["tokens_charged"] > 0


async def test_a_stream_is_relayed_and_settled_at_its_end() -> None:
    scene = Scene(a=WireFake(GOOD_STREAM))
    out = await read(await stream(scene))
    assert out.endswith(DONE) and b'"po"' in out and b'"usage"' not in out.replace(b"gateway_usage", b"")
    (settled,) = scene.records.settlements
    assert settled.charge.usage.completion_tokens == 5 and settled.stream
    await scene.background.drain(1)
    assert scene.providers["a"].replies[0].is_closed


async def test_a_stream_that_fails_before_content_fails_over_unseen() -> None:
    broken = (ROLE, b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n')
    scene = Scene(a=WireFake(broken), b=WireFake(GOOD_STREAM))
    out = await read(await stream(scene))
    assert out.count(b'"role":"assistant"') == 1 and b"error" not in out
    assert scene.providers["a"].replies[0].is_closed
    assert [a.offer.provider for a in scene.records.settlements[0].attempts] == ["a", "b"]


async def test_a_stream_that_breaks_after_content_ends_with_one_error_and_is_charged() -> None:
    scene = Scene(a=WireFake((ROLE, PO, UpstreamBroken("cut"))), b=WireFake(GOOD_STREAM))
    out = await read(await stream(scene))
    assert out.count(b'"error"') == 1 and b"[DONE]" not in out and b'"finish_reason":"stop"' not in out
    assert scene.providers["b"].calls == []
    (settled,) = scene.records.settlements
    assert settled.charge.usage.source == "estimated" and settled.charge.usage.output_tokens >= 1
    assert settled.error_code == "PROVIDER_ERROR"
    assert scene.breakers.view("a").failure_count == 1


async def test_a_caller_that_leaves_pays_for_what_was_delivered() -> None:
    never = asyncio.Event()
    scene = Scene(a=WireFake((ROLE, PO, NG, never)))
    body = await stream(scene)
    seen = [await anext(body), await anext(body)]
    assert b"po" in seen[0]
    waiting = asyncio.ensure_future(anext(body))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await body.aclose()
    assert scene.providers["a"].replies[0].is_closed
    await scene.background.drain(5)
    (settled,) = scene.records.settlements
    assert settled.charge.usage.source == "estimated" and settled.status == 499
    assert settled.charge.usage.output_tokens == 1 or settled.charge.usage.output_tokens == 2
    assert [a.outcome for a in settled.attempts] == ["abandoned"]
    await body.aclose()
    assert scene.billing.asked.count("capture") == 1


async def test_a_caller_that_leaves_before_the_answer_pays_nothing() -> None:
    scene = Scene(a=WireFake(asyncio.Event()))
    waiting = asyncio.ensure_future(ask(scene))
    await asyncio.sleep(0.01)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await scene.background.drain(5)
    assert scene.billing.asked == ["authorize", "void"]
    assert [a.outcome for a in scene.records.attempts] == ["abandoned"]


async def test_a_stream_whose_hold_cannot_grow_ends_with_an_error_and_is_charged() -> None:
    long = chunk('{"content":"' + "word " * 400 + '"}')
    scene = Scene(a=WireFake((ROLE, long, long, STOP, DONE)))
    scene.billing.refuse_extension = PaymentRequired("no credit left")
    out = await read(await stream(scene, max_tokens=5))
    assert b"insufficient" in out.lower() and b"[DONE]" not in out
    (settled,) = scene.records.settlements
    assert settled.charge.usage.output_tokens > 100


async def test_progress_is_noted_from_the_first_content_on() -> None:
    long = chunk('{"content":"' + "word " * 400 + '"}')
    scene = Scene(a=WireFake((ROLE, PO, long, STOP, USAGE, DONE)))
    await read(await stream(scene))
    assert len(scene.billing.marks) >= 2 and scene.billing.marks == sorted(scene.billing.marks)


@pytest.mark.parametrize("fault", [StoreUnavailable("gone"), PaymentRequired("no credit left")])
async def test_a_store_that_goes_away_ends_the_stream_and_the_charge_follows(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatewayz.flow.settle._RETRY_DELAYS_S", (0.0, 0.0, 0.0))
    long = chunk('{"content":"' + "word " * 400 + '"}')
    scene = Scene(a=WireFake((ROLE, PO, long, long, STOP, DONE)))
    scene.billing.refuse_extension = fault
    scene.billing.outages = 2
    out = await read(await stream(scene, max_tokens=5))
    assert out.count(b'"error"') == 1 and b"[DONE]" not in out
    await scene.background.drain(5)
    assert scene.billing.asked.count("capture") == 1
    assert scene.breakers.view("a").failure_count == 0


async def test_another_format_is_translated_and_losses_are_told() -> None:
    completion = Completion(
        id="x",
        model="up",
        created=1,
        choices=(Choice(parts=(Text(text="pong"),)),),
        usage=Usage(input_tokens=10, output_tokens=5),
        dropped=("seed",),
    )
    scene = Scene(a=TypedFake(completion))
    shown = await ask(scene)
    assert shown["choices"][0]["message"]["content"] == "pong" and shown["model"] == MODEL
    assert shown["gateway_usage"]["dropped"] == ["seed"]
    assert scene.providers["a"].model_calls[0].model == "a-model"


async def test_a_translated_stream_is_closed_when_the_caller_leaves() -> None:
    events = [StreamStarted(id="x", model="up", created=1), TextDelta(text="po"), TextDelta(text="ng")]
    scene = Scene(a=TypedFake(events=[*events, UpstreamBroken("never reached")]))
    body = await stream(scene)
    await anext(body)
    await body.aclose()
    await scene.background.drain(5)
    assert scene.providers["a"].is_stream_closed
    assert scene.records.settlements[0].status == 499


async def test_a_translated_stream_ends_well() -> None:
    events = [
        StreamStarted(id="x", model="up", created=1),
        TextDelta(text="pong"),
        ChoiceFinished(reason="stop"),
        UsageReported(usage=Usage(input_tokens=10, output_tokens=5)),
    ]
    scene = Scene(a=TypedFake(events=events))
    out = await read(await stream(scene))
    assert out.endswith(DONE) and scene.records.settlements[0].charge.charged == 20_000


@pytest.mark.parametrize("events", [[], [StreamStarted(id="x", model="up", created=1)]])
async def test_an_empty_translated_stream_fails_over(events: list) -> None:
    scene = Scene(a=TypedFake(events=events), b=WireFake(GOOD_STREAM))
    assert (await read(await stream(scene))).endswith(DONE)


async def test_parallel_requests_do_not_share_anything() -> None:
    scene = Scene(a=WireFake(GOOD_STREAM))
    bodies = await asyncio.gather(*(stream(scene) for _ in range(20)))
    outs = await asyncio.gather(*(read(body) for body in bodies))
    assert len(set(outs)) == 1 and len(scene.records.settlements) == 20
