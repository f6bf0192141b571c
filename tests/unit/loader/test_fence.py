import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from gatewayz.loader.fence import FencedBilling, FencedHealthCheck, FencedProvider, FencedRouter
from gatewayz.sdk.audio import SpeechCall, TranscriptionCall
from gatewayz.sdk.chat import Completion, EmbeddingCall, Embeddings, ModelCall, StreamStarted, TextDelta
from gatewayz.sdk.errors import (
    InvalidRequest,
    PaymentRequired,
    StoreUnavailable,
    UpstreamBroken,
    UpstreamRateLimited,
    UpstreamTimeout,
)
from gatewayz.sdk.images import ImageCall
from gatewayz.sdk.interfaces import (
    Capabilities,
    Charge,
    Embedder,
    Hold,
    ImageGenerator,
    Ranking,
    Reading,
    RoutingCall,
    WireProvider,
)
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Cost, ModelListing, Offer
from gatewayz.sdk.usage import NO_USAGE
from gatewayz.sdk.wire import OPENAI_CHAT, CallContext, Timeouts, WireCall
from tests.fakes.recordings import MemoryRecording

CALL = ModelCall(model="m", messages=())
CONTEXT = CallContext(request_id="r", timeouts=Timeouts(total_s=0.1))
STARTED = StreamStarted(id="1", model="m", created=0)
DELTA = TextDelta(text="x")
WIRE_CALL = WireCall(format=OPENAI_CHAT, model="m", fields={})
COMPLETION = Completion(id="1", model="m", created=0, choices=())
OFFERS = tuple(Offer(model="a/b", provider=name, upstream_model="b") for name in ("x", "y"))
ROUTING = RoutingCall(requested_model="b", model="a/b", prompt_tokens=1)


SOUND = MemoryRecording(b"x")


class Fake:
    """A provider whose every method does what it is told: returns, raises or hangs."""

    capabilities = Capabilities()

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.closed = False

    async def _act(self, *arguments: Any) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        if self.answer == "hang":
            await asyncio.sleep(60)
        return self.answer

    complete = list_models = exchange = embed = generate_images = transcribe = speak = _act

    async def stream(self, call: ModelCall, context: CallContext) -> AsyncIterator[Any]:
        try:
            yield STARTED
            for item in self.answer if isinstance(self.answer, list) else [self.answer]:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self.closed = True

    async def aclose(self) -> None: ...


def provider(answer: Any) -> FencedProvider:
    return FencedProvider("p", Fake(answer))


CALLS: dict[str, Callable[[FencedProvider], Any]] = {
    "complete": lambda fenced: fenced.complete(CALL, CONTEXT),
    "exchange": lambda fenced: fenced.exchange(WIRE_CALL, CONTEXT),
    "embed": lambda fenced: fenced.embed(EmbeddingCall(model="m", inputs=("x",)), CONTEXT),
    "generate_images": lambda fenced: fenced.generate_images(ImageCall(model="m", prompt="x"), CONTEXT),
    "transcribe": lambda fenced: fenced.transcribe(TranscriptionCall(model="m", recording=SOUND), CONTEXT),
    "speak": lambda fenced: fenced.speak(SpeechCall(model="m", input="x", voice="v"), CONTEXT),
    "list_models": lambda fenced: fenced.list_models(),
}


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("junk", [None, 5, "text", {"id": 1}])
async def test_a_junk_answer_is_a_broken_upstream(method: str, junk: Any, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(UpstreamBroken, match="wrong kind"):
        await CALLS[method](provider(junk))
    assert f"provider 'p': {method} failed: TypeError: {method} gave a {type(junk).__name__}" in caplog.text


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("error", [ValueError("canary"), KeyError("x"), SystemExit(1), RecursionError()])
async def test_a_foreign_exception_is_a_broken_upstream(method: str, error: BaseException) -> None:
    with pytest.raises(UpstreamBroken) as caught:
        await CALLS[method](provider(error))
    assert caught.value.__cause__ is error
    assert "canary" not in caught.value.message


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize("error", [UpstreamRateLimited("slow down", retry_after_s=3), InvalidRequest("no")])
async def test_errors_of_the_contract_pass(method: str, error: Exception) -> None:
    with pytest.raises(type(error)) as caught:
        await CALLS[method](provider(error))
    assert caught.value is error


async def test_an_error_that_only_the_core_may_raise_does_not_pass() -> None:
    with pytest.raises(UpstreamBroken):
        await provider(PaymentRequired("pay the provider")).complete(CALL, CONTEXT)


@pytest.mark.parametrize("method", ["complete", "exchange", "embed", "generate_images", "transcribe", "speak"])
async def test_one_that_hangs_ends_at_the_total_limit(method: str) -> None:
    with pytest.raises(UpstreamTimeout) as caught:
        await CALLS[method](provider("hang"))
    assert caught.value.phase == "total"


class Sound:
    """Sound that does what it is told."""

    media_type = "audio/wav"

    def __init__(self, piece: Any) -> None:
        self.piece = piece

    async def read(self) -> Any:
        if isinstance(self.piece, BaseException):
            raise self.piece
        return self.piece

    def close(self) -> None:
        raise ValueError("cannot close")


@pytest.mark.parametrize(
    ("piece", "error"),
    [
        (5, UpstreamBroken),
        (None, UpstreamBroken),
        (KeyError(), UpstreamBroken),
        (UpstreamTimeout("", phase="idle"), UpstreamTimeout),
    ],
)
async def test_sound_fails_as_the_core_knows(piece: Any, error: type[Exception]) -> None:
    sound = await CALLS["speak"](provider(Sound(piece)))
    with pytest.raises(error):
        await sound.read()


async def test_the_first_sound_is_waited_for_as_long_as_the_call_may_take() -> None:
    class Silent(Sound):
        async def read(self) -> Any:
            await asyncio.sleep(60)

    sound = await CALLS["speak"](provider(Silent(b"")))
    with pytest.raises(UpstreamTimeout) as caught:
        await sound.read()
    assert caught.value.phase == "total"


async def test_what_is_no_sound_is_closed(caplog: pytest.LogCaptureFixture) -> None:
    junk = Sound(b"")
    junk.media_type = None  # type: ignore[assignment]
    with pytest.raises(UpstreamBroken, match="wrong kind"):
        await CALLS["speak"](provider(junk))
    assert "cannot close" in caplog.text  # it was tried


async def test_sound_passes_as_it_is(caplog: pytest.LogCaptureFixture) -> None:
    sound = await CALLS["speak"](provider(Sound(b"RIFF")))
    assert (sound.media_type, await sound.read()) == ("audio/wav", b"RIFF")
    sound.close()
    assert "cannot close" in caplog.text


async def test_cancelling_passes_through() -> None:
    task = asyncio.create_task(provider("hang").complete(CALL, CallContext(request_id="r")))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_good_answers_pass_as_they_are() -> None:
    assert await provider(COMPLETION).complete(CALL, CONTEXT) is COMPLETION
    listing = [ModelListing(id="m")]
    assert await provider(listing).list_models() is listing
    embeddings = Embeddings(model="m", vectors=())
    assert await provider(embeddings).embed(EmbeddingCall(model="m", inputs=("x",)), CONTEXT) is embeddings
    assert [event async for event in provider([DELTA]).stream(CALL, CONTEXT)] == [STARTED, DELTA]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ([DELTA, ValueError("x")], UpstreamBroken),
        ([DELTA, 5], UpstreamBroken),
        ([DELTA, None, DELTA], UpstreamBroken),
        ([DELTA, UpstreamRateLimited("x")], UpstreamRateLimited),
        ([DELTA, TimeoutError()], UpstreamTimeout),
    ],
)
async def test_streams_fail_in_the_same_ways(answer: list[Any], error: type[Exception]) -> None:
    fake = Fake(answer)
    seen: list[Any] = []
    with pytest.raises(error):
        async for event in FencedProvider("p", fake).stream(CALL, CONTEXT):
            seen.append(event)
    assert seen == [STARTED, DELTA]
    assert fake.closed


async def test_closing_a_stream_closes_the_providers_own() -> None:
    fake = Fake([DELTA] * 100)
    events = FencedProvider("p", fake).stream(CALL, CONTEXT)
    assert await anext(events) == STARTED
    await events.aclose()  # type: ignore[attr-defined]
    assert fake.closed


@pytest.mark.parametrize("kind", ["coroutine", "list", "hangs", "raises"])
async def test_a_stream_that_is_none(kind: str) -> None:
    class Odd(Fake):
        def stream(self, call: ModelCall, context: CallContext) -> Any:
            if kind == "raises":
                raise ValueError("at once")
            kinds: dict[str, Callable[[], Any]] = {"coroutine": self._act, "list": list, "hangs": self._hang}
            return kinds[kind]()

        async def _hang(self) -> AsyncIterator[Any]:
            await asyncio.sleep(60)
            yield STARTED

    with pytest.raises(UpstreamTimeout if kind == "hangs" else UpstreamBroken):
        async for _ in FencedProvider("p", Odd(None)).stream(CALL, CONTEXT):
            raise AssertionError("no event can come")


def test_what_a_provider_can_do_is_told_by_isinstance() -> None:
    class Least:
        capabilities = Capabilities()

    assert isinstance(provider(None), WireProvider)
    assert isinstance(provider(None), Embedder)
    assert isinstance(provider(None), ImageGenerator)
    least = FencedProvider("p", Least())  # type: ignore[arg-type]
    assert not isinstance(least, WireProvider)
    assert not isinstance(least, Embedder)
    assert not isinstance(least, ImageGenerator)


async def test_a_fault_is_logged_with_its_traceback_once(caplog: pytest.LogCaptureFixture) -> None:
    fenced = provider(ValueError("again"))
    for _ in range(5):
        with pytest.raises(UpstreamBroken):
            await fenced.complete(CALL, CONTEXT)
    assert [bool(record.exc_info) for record in caplog.records] == [True, False, False, False, False]


class FakeRouter:
    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def rank(self, *arguments: Any) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize(
    "answer",
    [ValueError("x"), None, Ranking(offers=(msgspec.structs.replace(OFFERS[0], provider="made-up"),), reason="")],
)
def test_a_broken_router_costs_its_opinion_only(answer: Any) -> None:
    ranking = FencedRouter("r", FakeRouter(answer)).rank(ROUTING, OFFERS, None)  # type: ignore[arg-type]
    assert ranking.offers == OFFERS
    assert ranking.reason == "router r failed; offers in their given order"


def test_a_sound_router_is_believed() -> None:
    told = Ranking(offers=OFFERS[::-1], reason="because")
    assert FencedRouter("r", FakeRouter(told)).rank(ROUTING, OFFERS, None) is told  # type: ignore[arg-type]


HOLD = Hold(key="k", account=1, amount=Nano(10))
COST = Cost(input=Nano(1), output=Nano(2))


def charge(charged: int) -> Charge:
    return Charge(hold=HOLD, offer=OFFERS[0], usage=NO_USAGE, cost=COST, charged=Nano(charged))


class FakeBilling(Fake):
    authorize = extend = capture = void = balance = Fake._act


BILLING: dict[str, Callable[[FencedBilling], Any]] = {
    "authorize": lambda billing: billing.authorize(1, Nano(10), "k"),
    "extend": lambda billing: billing.extend(HOLD, Nano(10)),
    "capture": lambda billing: billing.capture(HOLD, OFFERS[0], NO_USAGE, COST),
    "void": lambda billing: billing.void(HOLD),
    "balance": lambda billing: billing.balance(1),
}


@pytest.mark.parametrize("method", BILLING)
@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(1)])
async def test_broken_billing_fails_closed(method: str, error: BaseException) -> None:
    with pytest.raises(StoreUnavailable):
        await BILLING[method](FencedBilling(FakeBilling(error)))


@pytest.mark.parametrize("method", BILLING)
async def test_refusals_of_billing_pass(method: str) -> None:
    with pytest.raises(PaymentRequired):
        await BILLING[method](FencedBilling(FakeBilling(PaymentRequired("no credit"))))


@pytest.mark.parametrize(
    ("method", "answer"),
    [
        ("authorize", None),
        ("authorize", Hold(key="other", account=1, amount=Nano(10))),
        ("authorize", Hold(key="k", account=1, amount=Nano(9))),
        ("extend", Hold(key="k", account=1, amount=Nano(5))),
        ("capture", None),
        ("capture", charge(11)),
        ("capture", charge(-1)),
    ],
)
async def test_billing_that_is_wrong_about_the_hold_fails_closed(method: str, answer: Any) -> None:
    with pytest.raises(StoreUnavailable):
        await BILLING[method](FencedBilling(FakeBilling(answer)))


async def test_billing_that_is_right_passes() -> None:
    assert await BILLING["authorize"](FencedBilling(FakeBilling(HOLD))) is HOLD
    assert (await BILLING["capture"](FencedBilling(FakeBilling(charge(3))))).charged == 3
    assert await BILLING["balance"](FencedBilling(FakeBilling(None))) is None


@pytest.mark.parametrize("answer", [ValueError("x"), None, SystemExit(1)])
async def test_a_broken_health_check_gives_a_reading(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Check(Fake):
        probe = Fake._act

    reading = await FencedHealthCheck("h", Check(answer)).probe()
    assert reading.state == "degraded"
    assert "the check itself failed" in reading.detail
    assert caplog.records[0].levelno == logging.ERROR
    good = Reading(state="up")
    assert await FencedHealthCheck("h", Check(good)).probe() is good
