"""Imagen on Vertex AI."""

from typing import Any

import msgspec
import pytest

from gatewayz.sdk.errors import ContentFiltered, UnsupportedFeature, UpstreamBroken, UpstreamRateLimited
from gatewayz.sdk.images import ImageCall, Images
from gatewayz.sdk.interfaces import ImageGenerator
from gatewayz.sdk.testing import Answer, FakeHttpClient, decode_settings, plugin_context
from gatewayz.sdk.wire import CallContext
from gatewayz_plugins.providers.google_vertex.settings import GoogleVertexSettings
from tests.unit.plugins.test_google_vertex import KEY, PUBLISHER, ProvisionedVertex

CALL = ImageCall(model="imagen-3.0-generate-002", prompt="a cat", n=2, size="1024x1792", extra={"seed": 7})
PICTURES = msgspec.json.encode(
    {
        "predictions": [
            {"bytesBase64Encoded": "AAA=", "mimeType": "image/png", "prompt": "a fine cat"},
            {"raiFilteredReason": "no"},
        ]
    }
)


async def draw(http: FakeHttpClient, **over: Any) -> Images:
    settings = decode_settings(GoogleVertexSettings, {"credentials_json": KEY})
    vertex = ProvisionedVertex(settings, plugin_context(http))
    assert isinstance(vertex, ImageGenerator) and vertex.capabilities.images
    return await vertex.generate_images(msgspec.structs.replace(CALL, **over), CallContext(request_id="r"))


async def test_pictures() -> None:
    http = FakeHttpClient(Answer(pieces=(PICTURES,)))
    images = await draw(http)
    (image,) = images.images
    assert (image.data, image.url, image.revised_prompt) == ("AAA=", None, "a fine cat")
    assert images.usage.images == 1
    assert http.requests[0].target == f"/v1{PUBLISHER}/models/imagen-3.0-generate-002:predict".encode()
    assert msgspec.json.decode(http.requests[0].body) == {
        "instances": [{"prompt": "a cat"}],
        "parameters": {"seed": 7, "sampleCount": 2, "aspectRatio": "9:16", "includeRaiReason": True},
    }
    assert http.replies[0].is_closed


async def test_an_address_is_the_picture_itself() -> None:
    images = await draw(FakeHttpClient(Answer(pieces=(PICTURES,))), response_format="url")
    assert images.images[0].url == "data:image/png;base64,AAA="


@pytest.mark.parametrize(
    ("over", "param"),
    [
        ({"n": 5}, "n"),
        ({"size": "1024x256"}, "size"),
        ({"style": "vivid"}, "style"),
        ({"extra": {"storageUri": "gs://elsewhere"}}, "storageUri"),
    ],
)
async def test_what_imagen_has_not(over: dict[str, Any], param: str) -> None:
    http = FakeHttpClient(Answer())
    with pytest.raises(UnsupportedFeature) as caught:
        await draw(http, **over)
    assert caught.value.param == param and not http.requests


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"{}", ContentFiltered),
        (200, b'{"predictions": [{"raiFilteredReason": "no"}]}', ContentFiltered),
        (200, b'{"predictions": [{}]}', UpstreamBroken),
        (200, b"<html>", UpstreamBroken),
        (400, b'{"error": {"message": "violates our Responsible AI practices"}}', ContentFiltered),
        (429, b'{"error": {"message": "quota"}}', UpstreamRateLimited),
    ],
)
async def test_errors(status: int, body: bytes, expected: type[Exception]) -> None:
    http = FakeHttpClient(Answer(pieces=(body,), status=status))
    with pytest.raises(expected):
        await draw(http)
    assert http.replies[0].is_closed
