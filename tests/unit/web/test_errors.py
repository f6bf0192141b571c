import msgspec
import pytest

from gatewayz.sdk.errors import (
    AuthenticationFailed,
    Conflict,
    InvalidRequest,
    ModelNotFound,
    NoOfferLeft,
    PaymentRequired,
    RateLimited,
)
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT
from gatewayz.web.errors import error_headers, render_error


def test_the_gateways_own_envelope_carries_everything() -> None:
    error = InvalidRequest("no", param="limit", code="PARAMETER_OUT_OF_RANGE", suggestions=["try 5"], context={"x": 1})
    shown = msgspec.json.decode(render_error(error, None, "req_1"))["error"]
    assert shown["code"] == "PARAMETER_OUT_OF_RANGE" and shown["status"] == 400 and shown["request_id"] == "req_1"
    assert shown["suggestions"] == ["try 5"] and shown["context"] == {"x": 1, "parameter_name": "limit"}
    assert shown["timestamp"].endswith("Z")


def test_each_dialect_hears_its_own_words() -> None:
    error = ModelNotFound("no such model")
    assert msgspec.json.decode(render_error(error, OPENAI_CHAT, "r"))["error"]["code"] == "model_not_found"
    shown = msgspec.json.decode(render_error(error, ANTHROPIC_MESSAGES, "r"))
    assert shown["type"] == "error" and shown["error"]["type"] == "not_found_error"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AuthenticationFailed("x"), {b"x-should-retry": b"false", b"www-authenticate": b"Bearer"}),
        (PaymentRequired("x"), {b"x-should-retry": b"false"}),
        (Conflict("x", retry_after_s=2), {b"retry-after": b"2"}),
        (RateLimited("x", retry_after_s=0.2), {b"retry-after": b"1"}),
        (RateLimited("x"), {b"retry-after": b"5"}),
        (NoOfferLeft("x", retry_after_s=61.5), {b"retry-after": b"62"}),
    ],
)
def test_headers_say_whether_and_when_to_try_again(error: Exception, expected: dict[bytes, bytes]) -> None:
    assert dict(error_headers(error)) == expected  # type: ignore[arg-type]
