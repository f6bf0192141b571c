"""Pictures in OpenAI's format: what is read of a request and of an answer."""

import msgspec
import pytest

from gatewayz.dialects.openai_images import OPENAI_IMAGES_DIALECT
from gatewayz.dialects.passthrough.openai_images import OPENAI_IMAGES_PASSTHROUGH
from gatewayz.sdk.errors import InvalidRequest, UpstreamBroken, UpstreamError
from gatewayz.sdk.images import GeneratedImage, Images
from gatewayz.sdk.usage import Usage


def test_defaults_of_a_request() -> None:
    head = OPENAI_IMAGES_DIALECT.read_head(b'{"prompt": "a kite"}')
    assert (head.model, head.n, head.prompt_characters) == ("stabilityai/sd3.5", 1, 6)
    assert head.media == Usage(images=1, image_size="1024x1024", image_quality="standard")
    call = OPENAI_IMAGES_DIALECT.parse_call(b'{"prompt": "a kite"}', model="m")
    assert (call.size, call.quality, call.response_format, call.extra) == (None, None, None, None)


def test_what_is_the_gateways_own_is_not_sent_on() -> None:
    body = (
        b'{"prompt": "a kite", "n": 3, "size": "auto", "user": "u", "provider": "fal", "session_id": 7, "seed": 1,'
        b' "google_project_id": "p", "google_location": "l", "google_endpoint_id": "e"}'
    )
    head = OPENAI_IMAGES_DIALECT.read_head(body)
    assert set(head.fields) == {"prompt", "n", "size", "user", "seed"}
    assert head.provider == "fal" and head.affinity == "u" and "session_id" in head.extensions
    assert OPENAI_IMAGES_DIALECT.parse_call(body, model="m").extra == {"seed": 1}


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"prompt": null}', b'{"prompt": "x", "prompt": "y"}', b"{"])
def test_what_is_no_request(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        OPENAI_IMAGES_DIALECT.read_head(body)


def test_a_repeated_name_with_a_number_that_python_does_not_read() -> None:
    with pytest.raises(InvalidRequest, match="more than once"):
        OPENAI_IMAGES_DIALECT.read_head(b'{"prompt": "x", "seed": %b, "seed": 1}' % (b"1" * 5000))


def test_an_answer() -> None:
    images = Images(model="m", created=7, images=(GeneratedImage(url="u"), GeneratedImage(data="AAA=")))
    usage = {"provider": "fal", "cost_usd": 1}
    shown = msgspec.json.decode(OPENAI_IMAGES_DIALECT.render_images(images, gateway_usage=usage))
    assert shown == {
        "created": 7,
        "data": [{"url": "u"}, {"b64_json": "AAA="}],
        "model": "m",
        "provider": "fal",
        "gateway_usage": usage,
    }


def test_an_upstreams_pictures_and_tokens_are_counted() -> None:
    counts = b'{"input_tokens": 10, "output_tokens": 20, "input_tokens_details": {"cached_tokens": 4}}'
    body = (
        b'{"data": [{"b64_json": "AAA="}, {"url": "u"}, {"b64_json": null}], "quality": "high", "usage": %s}' % counts
    )
    usage = OPENAI_IMAGES_PASSTHROUGH.read_whole(body).usage
    assert usage == Usage(input_tokens=6, cache_read_tokens=4, output_tokens=20, images=2, image_quality="high")


@pytest.mark.parametrize("usage", [b"7", b'{"input_tokens": "x"}', b'{"input_tokens": -5}', b"null"])
def test_odd_counts_are_none(usage: bytes) -> None:
    read = OPENAI_IMAGES_PASSTHROUGH.read_whole(b'{"data": [{"url": "u"}], "usage": %s}' % usage).usage
    assert read == Usage(images=1)


@pytest.mark.parametrize("odd", [b'"\xff"', b"1e999", b"7", b"null"])
def test_odd_names_of_sizes_are_none(odd: bytes) -> None:
    read = OPENAI_IMAGES_PASSTHROUGH.read_whole(b'{"data": [{"url": "u"}], "size": %b, "quality": %b}' % (odd, odd))
    assert read.usage == Usage(images=1)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"data": 7}', b'{"data": []}', b'{"data": [{"url": ""}]}', b'{"data": [7]}']
)
def test_answers_without_pictures(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        OPENAI_IMAGES_PASSTHROUGH.read_whole(body)


def test_an_error_under_status_200() -> None:
    with pytest.raises(UpstreamError, match="busy"):
        OPENAI_IMAGES_PASSTHROUGH.read_whole(b'{"error": {"message": "busy", "type": "server_error"}}')
