"""Errors in the words of OpenAI's formats.

Clients look for lower-case words in `type` and `code`; the gateway's own code is in `gateway_code`, beside
the envelope's other fields. Source: spec 00 §4.1; what official clients read, docs/decisions/0020.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gatewayz.sdk.errors import GatewayzError

__all__ = ["openai_error", "render_error"]

_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "insufficient_quota",
    403: "permission_error",
    404: "invalid_request_error",
    409: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
}
_CODES: Final[Mapping[str, str]] = {
    "API_KEY_MISSING": "invalid_api_key",
    "AUTHENTICATION_REQUIRED": "invalid_api_key",
    "API_KEY_MALFORMED": "invalid_api_key",
    "API_KEY_REVOKED": "invalid_api_key",
    "API_KEY_EXPIRED": "invalid_api_key",
    "INSUFFICIENT_CREDITS": "insufficient_quota",
    "CREDIT_BELOW_MINIMUM": "insufficient_quota",
    "TRIAL_EXPIRED": "insufficient_quota",
    "CONTENT_FILTERED": "content_filter",
    "PROVIDER_RATE_LIMITED": "rate_limit_exceeded",
    "TOKEN_RATE_LIMIT": "rate_limit_exceeded",
    "CONCURRENT_REQUEST_LIMIT": "rate_limit_exceeded",
}
"""Where the gateway's code in lower case is not the word that clients know."""


def openai_error(
    error: GatewayzError, *, request_id: str | None = None, timestamp: str | None = None
) -> dict[str, Any]:
    """Return the `error` object of an error body or event."""
    rendered: dict[str, Any] = {
        "message": error.message,
        "type": _TYPES.get(error.status, "server_error"),
        "code": _CODES.get(error.code, error.code.lower()),
        "param": error.param,
        "gateway_code": error.code,
        "status": error.status,
    }
    if request_id is not None:
        rendered["request_id"] = request_id
    if timestamp is not None:
        rendered["timestamp"] = timestamp
    if error.suggestions:
        rendered["suggestions"] = list(error.suggestions)
    if error.context:
        rendered["context"] = error.context
        rendered.update({name: error.context[name] for name in ("provider", "model") if name in error.context})
    return rendered


def render_error(error: GatewayzError, *, request_id: str, timestamp: str) -> bytes:
    """Return the body of an error answer. `timestamp`: ISO, UTC."""
    return msgspec.json.encode({"error": openai_error(error, request_id=request_id, timestamp=timestamp)})
