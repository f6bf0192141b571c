"""Same-format relaying of Anthropic messages.

Source: spec 01 §4; https://docs.anthropic.com/en/api/messages-streaming (read 2026-11).
"""

from typing import Any, Final

import msgspec

from gatewayz.dialects.anthropic_usage import (
    error_from_anthropic,
    merge_anthropic_usage,
    usage_from_anthropic,
)
from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.error_events import render_error_event
from gatewayz.dialects.passthrough.contract import Members, WholeReply, decode_members, encode_member
from gatewayz.dialects.passthrough.json_passthrough import JsonPassthrough
from gatewayz.dialects.passthrough.sse_editor import SseEditor, event_data
from gatewayz.sdk.errors import GatewayzError, UpstreamBroken
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

__all__ = ["ANTHROPIC_MESSAGES_PASSTHROUGH", "AnthropicPassthrough"]

_MARKERS: Final = (b'"message_', b'"error"')
_MESSAGE_STOP: Final = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'


class AnthropicPassthrough(JsonPassthrough):
    """Edits for the messages format; usage always comes in its streams."""

    format = ANTHROPIC_MESSAGES

    def read_whole(self, body: bytes) -> WholeReply:
        """Return the members of a message. Raises UpstreamError for an error body in a 200."""
        members = decode_members(body)
        if "content" not in members:
            raise error_from_anthropic(body) or UpstreamBroken("the provider's answer has no content")
        usage = members.get("usage")
        return WholeReply(members=members, usage=None if usage is None else usage_from_anthropic(usage))


class AnthropicStreamEditor(SseEditor):
    """Holds back `message_delta` and `message_stop` so that the gateway's usage goes out with them."""

    _markers = _MARKERS

    def __init__(self, *, model: str, include_usage: bool, max_event_bytes: int) -> None:
        super().__init__(model=model, include_usage=include_usage, max_event_bytes=max_event_bytes)
        self._counts: dict[str, Any] = {}
        self._delta: Members | None = None

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return `message_delta` with the gateway's usage, then `message_stop`."""
        delta = {**(self._delta or {}), "gateway_usage": encode_member(gateway_usage)}
        return b"event: message_delta\ndata: " + msgspec.json.encode(delta) + b"\n\n" + _MESSAGE_STOP

    def fail(self, error: GatewayzError) -> bytes:
        """Return the `error` event."""
        return render_error_event(error, ANTHROPIC_MESSAGES)

    def _rename(self, block: bytes) -> bytes:
        return block

    def _event(self, event: bytes) -> bytes:
        data = event_data(event)
        if not data:
            return event if self.started else b""
        members = decode_members(data)
        match _word(members):
            case "message_start":
                return self._message_start(members)
            case "message_delta":
                return self._message_delta(members)
            case "message_stop":
                self._complete = self.terminated = self._delta is not None
                return b""
            case "error":
                raise error_from_anthropic(data) or UpstreamBroken("the provider reported an error it did not name")
            case "ping":
                return event if self.started else b""
            case kind:
                return self._content(kind, members, event)

    def _message_start(self, members: Members) -> bytes:
        message = decode_members(bytes(members.get("message", b"{}")))
        self._count(message.get("usage"))
        message["model"] = msgspec.Raw(self._name[len(b'"model":') :])
        edited = {**members, "message": encode_member(message)}
        return b"event: message_start\ndata: " + msgspec.json.encode(edited) + b"\n\n"

    def _message_delta(self, members: Members) -> bytes:
        self.started = True
        self._count(members.get("usage"))
        self._delta = {**(self._delta or {}), **members}
        return b""

    def _content(self, kind: str, members: Members, event: bytes) -> bytes:
        self.delivered.add(event)
        if kind == "content_block_delta" or (
            kind == "content_block_start" and b'"tool_use"' in bytes(members.get("content_block", b""))
        ):
            self.started = True
        return event

    def _count(self, usage: msgspec.Raw | None) -> None:
        if usage is None:
            return
        self._counts = merge_anthropic_usage(self._counts, _decode_object(usage))
        self.usage = usage_from_anthropic(self._counts)


def _word(members: Members) -> str:
    kind = msgspec.json.decode(members.get("type", msgspec.Raw(b'""')))
    return kind if isinstance(kind, str) else ""


def _decode_object(raw: msgspec.Raw) -> dict[str, Any]:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, dict) else {}


ANTHROPIC_MESSAGES_PASSTHROUGH: Final = AnthropicPassthrough(AnthropicStreamEditor)
