"""Errors to status, headers and body: the only place. Bodies are in the caller's dialect."""

from collections.abc import Callable
from datetime import UTC, datetime
from math import ceil
from typing import Any

import msgspec

from gatewayz.dialects.anthropic_errors import render_error as render_anthropic_error
from gatewayz.dialects.error_events import render_error_event
from gatewayz.dialects.openai_errors import render_error as render_openai_error
from gatewayz.sdk.errors import GatewayzError, SchemaInvalid
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, Format
from gatewayz.web.asgi import HeaderList

__all__ = ["InternalError", "envelope", "error_headers", "render_error", "render_error_event"]

_RETRYABLE_4XX = frozenset((408, 409, 429))

ErrorRenderer = Callable[..., bytes]


class InternalError(GatewayzError):
    """Something unforeseen; the details are in the log under the request id."""

    def __init__(self) -> None:
        super().__init__("The gateway met an internal error. Quote the request id when you report it.")


def render_error(error: GatewayzError, format: Format | None, request_id: str) -> bytes:
    """Return the body of an error: Anthropic's words for messages, OpenAI's for other inference, else the envelope."""
    timestamp = _timestamp()
    if format is None:
        shown: dict[str, Any] = {"error": envelope(error, request_id, timestamp)}
        if isinstance(error, SchemaInvalid):
            shown["detail"] = [{"loc": (error.param or "body").split("."), "msg": error.message, "type": error.type}]
        return msgspec.json.encode(shown)
    render = render_anthropic_error if format == ANTHROPIC_MESSAGES else render_openai_error
    return render(error, request_id=request_id, timestamp=timestamp)


def error_headers(error: GatewayzError) -> HeaderList:
    """Return the headers that tell SDKs whether and when to try again.

    Every 429 and 503 carries Retry-After; a final 4xx says `x-should-retry: false`, or agents repeat it.
    """
    headers: HeaderList = [(name.lower().encode(), value.encode("latin-1")) for name, value in error.headers.items()]
    wait = error.retry_after_s
    if wait is None and error.status in (429, 503):
        wait = 5.0
    if wait is not None:
        headers.append((b"retry-after", str(max(1, ceil(wait))).encode()))
    if 400 <= error.status < 500 and error.status not in _RETRYABLE_4XX:
        headers.append((b"x-should-retry", b"false"))
    if error.status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


def envelope(error: GatewayzError, request_id: str, timestamp: str) -> dict[str, Any]:
    """Return the gateway's own error object. Source: spec 00 §4.1."""
    shown: dict[str, Any] = {
        "type": error.type,
        "message": error.message,
        "code": error.code,
        "status": error.status,
        "request_id": request_id,
        "timestamp": timestamp,
    }
    if error.suggestions:
        shown["suggestions"] = list(error.suggestions)
    context = dict(error.context)
    if error.param is not None:
        context.setdefault("parameter_name", error.param)
        shown["param"] = error.param
    if error.retry_after_s is not None:
        context.setdefault("retry_after", ceil(error.retry_after_s))
    if context:
        shown["context"] = context
    return shown


def _timestamp() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
