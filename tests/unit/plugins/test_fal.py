import msgspec
import pytest

from gatewayz.sdk.chat import Message, ModelCall, Text
from gatewayz.sdk.errors import ContentFiltered, UnsupportedFeature, UpstreamAuthFailed, UpstreamBroken
from gatewayz.sdk.images import ImageCall
from gatewayz.sdk.interfaces import ImageGenerator
from gatewayz.sdk.testing import Answer, FakeHttpClient, SettingsContract, decode_settings, plugin_context
from gatewayz.sdk.wire import CallContext
from gatewayz_plugins.providers.fal.provider import FalProvider
from gatewayz_plugins.providers.fal.settings import FalSettings

CONTEXT = CallContext(request_id="r")
CALL = ImageCall(model="fal-ai/flux/dev", prompt="a cat", n=2, size="512x256", extra={"seed": 7})
PICTURES = (
    b'{"images": [{"url": "https://x/1.png", "content_type": "image/png"}, {"url": "data:image/png;base64,AAA="}]}'
)


class TestSettings(SettingsContract):
    module = "gatewayz_plugins.providers.fal"
    settings = FalSettings
    sample = {"api_key": "key-123456"}


def provider(http: FakeHttpClient) -> FalProvider:
    return FalProvider(decode_settings(FalSettings, {"api_key": "key-123456"}), plugin_context(http))


async def test_pictures() -> None:
    http = FakeHttpClient(Answer(pieces=(PICTURES,)))
    fal = provider(http)
    assert isinstance(fal, ImageGenerator)
    images = await fal.generate_images(CALL, CONTEXT)
    assert images.usage.images == 2
    assert images.images[0].url == "https://x/1.png"
    assert (images.images[1].data, images.images[1].media_type) == ("AAA=", "image/png")
    request = http.requests[0]
    assert request.target == b"/fal-ai/flux/dev"
    assert dict(request.headers)[b"authorization"] == b"Key key-123456"
    assert msgspec.json.decode(request.body) == {
        "seed": 7,
        "prompt": "a cat",
        "num_images": 2,
        "image_size": {"width": 512, "height": 256},
    }
    assert http.replies[0].is_closed


async def test_inline_pictures_are_asked_for() -> None:
    http = FakeHttpClient(Answer(pieces=(PICTURES,)))
    await provider(http).generate_images(msgspec.structs.replace(CALL, response_format="b64_json"), CONTEXT)
    assert msgspec.json.decode(http.requests[0].body)["sync_mode"] is True


async def test_a_path_cannot_leave_its_place() -> None:
    http = FakeHttpClient(Answer(pieces=(PICTURES,)))
    await provider(http).generate_images(msgspec.structs.replace(CALL, model="../a b/../c?d"), CONTEXT)
    assert http.requests[0].target == b"/a%20b/c%3Fd"


async def test_chat_is_the_callers_mistake() -> None:
    http = FakeHttpClient(Answer())
    call = ModelCall(model="m", messages=(Message(role="user", parts=(Text(text="x"),)),))
    with pytest.raises(UnsupportedFeature) as caught:
        await provider(http).complete(call, CONTEXT)
    assert (caught.value.status, caught.value.param) == (400, "model")
    with pytest.raises(UnsupportedFeature):
        await anext(provider(http).stream(call, CONTEXT))
    assert not http.requests


@pytest.mark.parametrize("size", ["big", "0x10", "10x", "100x100x100"])
async def test_sizes_are_pixels(size: str) -> None:
    with pytest.raises(UnsupportedFeature):
        await provider(FakeHttpClient(Answer())).generate_images(msgspec.structs.replace(CALL, size=size), CONTEXT)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"{}", UpstreamBroken),
        (200, b"<html>", UpstreamBroken),
        (422, b'{"detail": [{"type": "content_policy_violation"}]}', ContentFiltered),
        (403, b'{"detail": "User is locked. Reason: Exhausted balance."}', UpstreamAuthFailed),
    ],
)
async def test_errors(status: int, body: bytes, expected: type[Exception]) -> None:
    http = FakeHttpClient(Answer(pieces=(body,), status=status))
    with pytest.raises(expected):
        await provider(http).generate_images(CALL, CONTEXT)
    assert http.replies[0].is_closed
