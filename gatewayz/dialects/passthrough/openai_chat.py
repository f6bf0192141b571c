"""Same-format relaying of OpenAI chat completions and legacy completions.

Source: spec 01 §1.4, §1.5; what official SDKs demand of a chat stream (docs/decisions/0001-two-ways-through.md).
"""

from typing import Any, Final

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.error_events import render_error_event
from gatewayz.dialects.openai_usage import error_from_openai, render_openai_usage, usage_from_openai
from gatewayz.dialects.passthrough.contract import Members, WholeReply, decode_members, encode_member
from gatewayz.dialects.passthrough.json_passthrough import JsonPassthrough
from gatewayz.dialects.passthrough.sse_editor import SseEditor, event_data
from gatewayz.sdk.errors import GatewayzError, UpstreamBroken
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_CHAT, OPENAI_COMPLETIONS, Format

__all__ = ["OPENAI_CHAT_PASSTHROUGH", "OPENAI_COMPLETIONS_PASSTHROUGH", "OpenAiPassthrough"]

_ASK_FOR_USAGE: Final = msgspec.Raw(b'{"include_usage":true}')
_DONE: Final = b"data: [DONE]\n\n"
_MARKERS: Final = (
    b'"finish_reason":"',
    b'"finish_reason": "',
    b'"usage":{',
    b'"usage": {',
    b'"error"',
    b"[DONE]",
)
_NO_CHOICES: Final = msgspec.Raw(b"[]")


class OpenAiPassthrough(JsonPassthrough):
    """Edits for formats with `choices` and `usage`."""

    def __init__(self, format: Format) -> None:
        super().__init__(OpenAiStreamEditor)
        self.format = format

    def edit_request(self, fields: Members, *, stream: bool) -> Members:
        """Return the members to send; a stream always asks for usage, other stream options are kept."""
        if not stream:
            return fields
        options = fields.get("stream_options")
        if options is None or bytes(options) == b"null":
            return {**fields, "stream_options": _ASK_FOR_USAGE}
        asked = decode_members(bytes(options))
        asked["include_usage"] = msgspec.Raw(b"true")
        return {**fields, "stream_options": encode_member(asked)}

    def read_whole(self, body: bytes) -> WholeReply:
        """Return the members of an answer. Raises UpstreamError for an error body in a 200."""
        members = decode_members(body)
        if "choices" not in members:
            raise error_from_openai(body) or UpstreamBroken("the provider's answer has no choices")
        return WholeReply(members=members, usage=_usage_member(members))


class OpenAiStreamEditor(SseEditor):
    """Holds back the finish chunk until usage is known, hides the usage chunk from who did not ask."""

    _markers = _MARKERS

    def __init__(self, *, model: str, include_usage: bool, max_event_bytes: int) -> None:
        super().__init__(model=model, include_usage=include_usage, max_event_bytes=max_event_bytes)
        self._last: Members | None = None
        self._id: msgspec.Raw | None = None

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return finish chunk, usage chunk when asked for, and the terminator."""
        last = dict(self._last or {})
        spliced = encode_member(gateway_usage)
        if not self._include_usage:
            return _chunk({**last, "gateway_usage": spliced}) + _DONE if last else _DONE
        report = {**last, "choices": _NO_CHOICES, "usage": encode_member(render_openai_usage(usage))}
        return (_chunk(last) if last else b"") + _chunk({**report, "gateway_usage": spliced}) + _DONE

    def fail(self, error: GatewayzError) -> bytes:
        """Return one error chunk, and no terminator that would look like success."""
        return render_error_event(error, OPENAI_CHAT)

    def _rename(self, block: bytes) -> bytes:
        block = super()._rename(block)
        return block if self._include_usage else block.replace(b',"usage":null', b"")

    def _event(self, event: bytes) -> bytes:
        data = event_data(event)
        if not data:
            return event if self.started else b""
        if data.strip() == b"[DONE]":
            self._complete = self._complete or self.started
            self.terminated = self._complete
            return b""
        members = decode_members(data)
        if "error" in members and bytes(members["error"]) != b"null":
            raise error_from_openai(data) or UpstreamBroken("the provider reported an error it did not name")
        self._read_usage(members)
        choices = _decode_choices(members)
        if not choices:
            return b""
        return self._chunk_with_choices(members, choices, event)

    def _chunk_with_choices(self, members: Members, choices: list[dict[str, Any]], event: bytes) -> bytes:
        self.delivered.add(event)
        if any(map(_has_content, choices)):
            self.started = True
        edited = self._own(members)
        if not any(choice.get("finish_reason") for choice in choices):
            return _chunk(edited)
        self.started = self._complete = True
        before, self._last = self._last, edited
        return _chunk(before) if before else b""

    def _own(self, members: Members) -> Members:
        """Return a chunk's members under the canonical model and one id."""
        edited = dict(members)
        edited.pop("usage", None)
        if "model" in edited and self._upstream_name is None:
            self._upstream_name = b'"model":' + bytes(edited["model"])
        edited["model"] = msgspec.Raw(self._name[len(b'"model":') :])
        if self._id is None:
            self._id = edited.get("id")
        elif "id" in edited:
            edited["id"] = self._id
        return edited

    def _read_usage(self, members: Members) -> None:
        usage = _usage_member(members)
        if usage is not None:
            self.usage = usage


def _has_content(choice: dict[str, Any]) -> bool:
    if choice.get("text"):
        return True
    delta = choice.get("delta")
    if not isinstance(delta, dict):
        return False
    return any(value for name, value in delta.items() if name != "role")


def _decode_choices(members: Members) -> list[dict[str, Any]]:
    if "choices" not in members:
        return []
    try:
        return msgspec.json.decode(members["choices"], type=list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise UpstreamBroken("the provider's chunk has choices that are not a list of objects") from err


def _usage_member(members: Members) -> Usage | None:
    """Return the usage of an answer or chunk, where providers put it: `usage`, or Groq's `x_groq.usage`."""
    raw = members.get("usage")
    if raw is None and (vendor := members.get("x_groq")) is not None:
        raw = decode_members(bytes(vendor)).get("usage")
    if raw is None:
        return None
    return usage_from_openai(raw)


def _chunk(members: Members) -> bytes:
    return b"data: " + msgspec.json.encode(members) + b"\n\n"


OPENAI_CHAT_PASSTHROUGH: Final = OpenAiPassthrough(OPENAI_CHAT)
OPENAI_COMPLETIONS_PASSTHROUGH: Final = OpenAiPassthrough(OPENAI_COMPLETIONS)
