"""Calls for pictures in the flow: what is held, what is charged, who is tried, and who is refused."""

import asyncio
from typing import Any

import msgspec
import pytest

from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.catalog.pricing import likely_media_cost
from gatewayz.flow.media import measured, priced_for
from gatewayz.flow.pipeline import answer
from gatewayz.sdk.errors import (
    InvalidRequest,
    PricingMissing,
    UnsupportedFeature,
    UpstreamBroken,
    UpstreamRejected,
)
from gatewayz.sdk.images import GeneratedImage, ImageCall, Images
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import Offer, Price
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_IMAGES, CallContext
from tests.fakes.flow import CALLER, MODEL, Scene, WireFake

CENT = 10_000_000
MADE = b'{"created": 1, "data": [{"url": "https://x.example.com/1.png"}]}'


class Painter(WireFake):
    """A provider of another format that makes pictures, or fails."""

    def __init__(self, images: int | Exception = 1) -> None:
        super().__init__(b"")
        self.capabilities = Capabilities(images=True, chat=False)
        self._images = images
        self.calls_seen: list[ImageCall] = []

    async def generate_images(self, call: ImageCall, context: CallContext) -> Images:
        self.calls_seen.append(call)
        if isinstance(self._images, Exception):
            raise self._images
        made = tuple(GeneratedImage(data="AAA=") for _ in range(self._images))
        return Images(model=call.model, created=7, images=made)


def priced_by_picture(plain: dict[str, Any]) -> None:
    plain["models"][MODEL] |= {"price": {"image": "0.04"}, "modality": "text->image"}


def wire(*script: Any) -> WireFake:
    return WireFake(*script, format=OPENAI_IMAGES)


async def draw(scene: Scene, **body: Any) -> Any:
    asked = {"model": MODEL, "prompt": "a kite", **body}
    inbound = msgspec.structs.replace(scene.inbound(OPENAI_IMAGES), body=msgspec.json.encode(asked))
    reply = await answer(inbound, CALLER, scene.edition)
    assert isinstance(reply.body, bytes)
    return msgspec.json.decode(reply.body)


async def test_what_was_made_is_charged_and_reported() -> None:
    scene = Scene(priced_by_picture, a=wire(MADE))
    shown = await draw(scene, n=3, size="512x512")
    assert shown["gateway_usage"]["cost_usd"] == 0.03
    assert scene.billing.asked == ["authorize", "capture"]
    (settled,) = scene.records.settlements
    assert settled.charge is not None and settled.charge.charged == 3 * CENT
    assert settled.charge.hold.amount == 3 * 3 * CENT * 11 // 10
    assert (settled.operation, settled.charge.usage.images, settled.charge.usage.image_size) == (
        "openai_images",
        1,
        "512x512",
    )


async def test_two_kinds_of_providers_stand_in_for_each_other() -> None:
    painter = Painter()
    scene = Scene(priced_by_picture, a=wire(UpstreamBroken("no")), b=painter)
    shown = await draw(scene, seed=7)
    assert (shown["provider"], shown["model"], shown["data"]) == ("b", MODEL, [{"b64_json": "AAA="}])
    (call,) = painter.calls_seen
    assert (call.model, call.prompt, call.extra) == ("b-model", "a kite", {"seed": 7})
    assert [attempt.outcome for attempt in scene.records.attempts] == ["fault", "success"]


@pytest.mark.parametrize("first", [Painter(0), Painter(UnsupportedFeature("no", param="n")), WireFake(b"")])
async def test_one_that_cannot_is_passed_over(first: WireFake) -> None:
    scene = Scene(priced_by_picture, a=first, b=wire(MADE))
    assert (await draw(scene))["provider"] == "b"


async def test_a_refusal_costs_nothing_and_is_tried_once() -> None:
    second = wire(MADE)
    scene = Scene(priced_by_picture, a=Painter(UpstreamRejected("no")), b=second)
    with pytest.raises(UpstreamRejected):
        await draw(scene)
    assert scene.billing.asked == ["authorize", "void"] and not second.calls


async def test_a_caller_that_leaves_lets_go_of_everything() -> None:
    scene = Scene(priced_by_picture, a=wire(asyncio.Event()))
    task = asyncio.ensure_future(draw(scene))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await scene.background.drain(1)
    assert scene.billing.asked == ["authorize", "void"]


async def test_a_conversation_with_a_painter_is_refused() -> None:
    scene = Scene(priced_by_picture, a=WireFake(b""))
    with pytest.raises(InvalidRequest) as caught:
        await answer(scene.inbound(), CALLER, scene.edition)
    assert caught.value.param == "model" and not scene.billing.asked


def offer(provider: str, **price: int) -> Offer:
    return Offer(model="v/m", provider=provider, upstream_model="m", price=Price(**{"input": 0, "output": 0, **price}))


def model(modality: str, *offers: Offer) -> Model:
    return Model(id="v/m", name="m", offers=offers, modality=modality)


def test_only_priced_offers_are_left() -> None:
    kept = priced_for(model("text->image", offer("a", image=1), offer("b", input=1, output=1)), Usage(images=1))
    assert [each.provider for each in kept.offers] == ["a"]


@pytest.mark.parametrize(
    ("modality", "media", "error"),
    [
        ("text->image", Usage(images=1), PricingMissing),
        ("text->text", Usage(images=1), InvalidRequest),
        ("audio->text", Usage(audio_ms=1), PricingMissing),
        ("text->audio", Usage(characters=1), PricingMissing),
        ("text->text", Usage(characters=1), InvalidRequest),
        ("text->image", None, InvalidRequest),
    ],
)
def test_no_price_no_call(modality: str, media: Usage | None, error: type[Exception]) -> None:
    with pytest.raises(error):
        priced_for(model(modality, offer("a", input=1, output=1)), media)


def test_the_dearest_offer_and_a_tenth_are_held() -> None:
    offers = (offer("a", image=10), offer("b", image=15), offer("c", input=1))
    assert likely_media_cost(offers, Usage(images=3)) == 50
    assert likely_media_cost((), Usage(images=3)) == 0


def test_what_a_provider_leaves_out_is_what_was_asked() -> None:
    asked = Usage(images=2, image_size="512x512", image_quality="hd")
    assert measured(Usage(images=9), asked) == asked
    told = Usage(images=1, image_size="1024x1024", image_quality="low")
    assert measured(told, asked) == told
    assert measured(Usage(input_tokens=5), Usage(audio_ms=7)) == Usage(input_tokens=5, audio_ms=7, source="estimated")
    assert measured(Usage(audio_ms=3), Usage(audio_ms=7)) == Usage(audio_ms=3)
