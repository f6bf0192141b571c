"""Same-format relaying of OpenAI responses.

Source: https://platform.openai.com/docs/api-reference/responses-streaming (read 2026-11).
"""

import re
from typing import Any, Final

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.error_events import render_error_event
from gatewayz.dialects.openai_responses.usage import usage_from_responses
from gatewayz.dialects.openai_usage import error_from_openai
from gatewayz.dialects.passthrough.contract import (
    DeliveredText,
    Members,
    WholeReply,
    decode_members,
    encode_member,
)
from gatewayz.dialects.passthrough.json_passthrough import JsonPassthrough
from gatewayz.dialects.passthrough.sse_editor import SseEditor, event_data
from gatewayz.sdk.errors import GatewayzError, UpstreamBroken, UpstreamError
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_RESPONSES

__all__ = ["OPENAI_RESPONSES_PASSTHROUGH", "ResponsesPassthrough"]

_DELTA_TEXT: Final = re.compile(rb'"delta"\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"')
_SEQUENCE_NUMBER: Final = re.compile(rb'"sequence_number"\s*:\s*(\d+)')
_MARKERS: Final = (
    b'"response.completed"',
    b'"response.incomplete"',
    b'"response.failed"',
    b'"response.created"',
    b'"response.in_progress"',
    b'"response.queued"',
    b'"error"',
)
_START_UP: Final = frozenset(
    ("response.created", "response.queued", "response.in_progress", "response.output_item.added")
) | {"response.content_part.added", "response.reasoning_summary_part.added"}
_TERMINAL: Final = frozenset(("response.completed", "response.incomplete"))


class ResponsesPassthrough(JsonPassthrough):
    """Edits for the responses format; usage comes in the last event."""

    format = OPENAI_RESPONSES

    def read_whole(self, body: bytes) -> WholeReply:
        """Return the members of a response. Raises UpstreamError for an error body or a failed response."""
        members = decode_members(body)
        if "output" not in members or _is_set(members.get("error")):
            raise error_from_openai(body) or UpstreamBroken("the provider's answer has no output")
        return WholeReply(members=members, usage=_usage(members))


class ResponsesStreamEditor(SseEditor):
    """Holds back the last event so that the gateway's usage goes out in its `response`."""

    _markers = _MARKERS

    def __init__(self, *, model: str, include_usage: bool, max_event_bytes: int) -> None:
        super().__init__(model=model, include_usage=include_usage, max_event_bytes=max_event_bytes)
        self.delivered = DeliveredText(_DELTA_TEXT)
        self.format = OPENAI_RESPONSES
        self._final: tuple[str, Members, Members] | None = None
        self._latest = b""

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return the last event with the gateway's usage inside its `response`."""
        if self._final is None:
            return b""
        kind, members, response = self._final
        return _render(kind, members, {**response, "gateway_usage": encode_member(gateway_usage)})

    def fail(self, error: GatewayzError) -> bytes:
        """Return the `error` event, numbered after the last event relayed."""
        numbers = _SEQUENCE_NUMBER.findall(self._latest)
        return render_error_event(error, self.format, sequence_number=int(numbers[-1]) + 1 if numbers else 0)

    def _rename(self, block: bytes) -> bytes:
        self._latest = block
        return block

    def _event(self, event: bytes) -> bytes:
        data = event_data(event)
        if not data:
            return event if self.started else b""
        members = decode_members(data)
        kind = _word(members)
        if kind in ("error", "response.failed"):
            raise _error(kind, members, data)
        if kind not in _START_UP:
            self.started = True
        self._latest = event
        if "response" not in members:
            if kind.endswith(".delta"):
                self.delivered.add(event)
            return event
        response = decode_members(bytes(members["response"]))
        response["model"] = msgspec.Raw(self._name[len(b'"model":') :])
        if kind not in _TERMINAL:
            return _render(kind, members, response)
        self._complete = self.terminated = True
        self.usage = _usage(response)
        self._final = (kind, members, response)
        return b""


def _error(kind: str, members: Members, data: bytes) -> UpstreamError:
    """Return what a failing event says: in `response.error`, in `error`, or flat in the event itself."""
    named = bytes(members.get("response", b"")) if kind == "response.failed" else data
    return (
        error_from_openai(named)
        or error_from_openai(b'{"error":' + data + b"}")
        or UpstreamBroken("the provider reported an error it did not name")
    )


def _render(kind: str, members: Members, response: Members) -> bytes:
    body = msgspec.json.encode({**members, "response": encode_member(response)})
    return b"event: " + kind.encode() + b"\ndata: " + body + b"\n\n"


def _usage(members: Members) -> Usage | None:
    raw = members.get("usage")
    return usage_from_responses(raw) if raw is not None and _is_set(raw) else None


def _is_set(raw: msgspec.Raw | None) -> bool:
    return raw is not None and bytes(raw) != b"null"


def _word(members: Members) -> str:
    kind: Any = msgspec.json.decode(members.get("type", msgspec.Raw(b'""')))
    return kind if isinstance(kind, str) else ""


OPENAI_RESPONSES_PASSTHROUGH: Final = ResponsesPassthrough(ResponsesStreamEditor)
