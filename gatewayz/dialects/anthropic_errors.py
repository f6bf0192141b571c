"""Errors in the words of Anthropic's messages format.

Source: https://docs.anthropic.com/en/api/errors (read 2026-11); spec 01 §4, spec 00 §4.1; docs/decisions/0020.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gatewayz.sdk.errors import GatewayzError

__all__ = ["anthropic_error", "render_error"]

_TYPES: Final[Mapping[int, str]] = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    413: "request_too_large",
    415: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_DETAILS: Final = ("error_code", "unsupported")
"""Members of an error's context that clients of this format read as `details`."""


def anthropic_error(
    error: GatewayzError, *, request_id: str | None = None, timestamp: str | None = None
) -> dict[str, Any]:
    """Return the whole object of an error body or `error` event."""
    inner: dict[str, Any] = {
        "type": _TYPES.get(error.status, "api_error"),
        "message": error.message,
        "code": error.code,
        "gateway_code": error.code,
        "status": error.status,
    }
    if error.param is not None:
        inner["param"] = error.param
    if error.suggestions:
        inner["suggestions"] = list(error.suggestions)
    if details := {name: error.context[name] for name in _DETAILS if name in error.context}:
        inner["details"] = details
    if context := {name: value for name, value in error.context.items() if name not in _DETAILS}:
        inner["context"] = context
    if timestamp is not None:
        inner["timestamp"] = timestamp
    rendered: dict[str, Any] = {"type": "error", "error": inner}
    if request_id is not None:
        inner["request_id"] = request_id
        rendered["request_id"] = request_id
    return rendered


def render_error(error: GatewayzError, *, request_id: str, timestamp: str) -> bytes:
    """Return the body of an error answer. `timestamp`: ISO, UTC."""
    return msgspec.json.encode(anthropic_error(error, request_id=request_id, timestamp=timestamp))
