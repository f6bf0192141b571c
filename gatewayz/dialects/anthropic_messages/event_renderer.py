"""Core events as a messages stream: one block open at a time, in strict order.

Other formats may interleave the arguments of parallel calls. A block therefore waits, buffered, until
the one before it is complete: text when anything else begins, a call when its JSON is whole.
Source: spec 01 §4; https://docs.anthropic.com/en/api/messages-streaming (read 2026-11).
"""

from typing import Any, Final

import msgspec

from gatewayz.dialects.anthropic_errors import anthropic_error
from gatewayz.dialects.anthropic_messages.completion import STOP_WORDS, message_id
from gatewayz.dialects.anthropic_usage import render_anthropic_usage
from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.sse import write_event
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
    ReasoningDelta,
    RefusalDelta,
    StreamStarted,
    TextDelta,
    ToolArgumentsDelta,
    ToolUseStarted,
)
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES

__all__ = ["PING", "MessageEventRenderer"]

PING: Final = b'event: ping\ndata: {"type":"ping"}\n\n'
_encode: Final = msgspec.json.Encoder().encode
_OBJECT: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NO_TOKENS: Final = {"input_tokens": 0, "output_tokens": 0}

Member = dict[str, Any]


class _Block:
    """A content block; its deltas wait until it is open."""

    __slots__ = ("arguments", "deltas", "is_open", "kind", "signed", "start", "tool")

    def __init__(self, kind: str, start: Member, tool: int | None = None) -> None:
        self.kind = kind
        self.start = start
        self.tool = tool
        self.deltas: list[Member] = []
        self.arguments: list[str] = []
        self.is_open = False
        self.signed = False

    def is_complete(self) -> bool:
        """Whether nothing more can come for this block once another one has begun."""
        if self.kind != "tool_use":
            return True
        try:
            _OBJECT.decode("".join(self.arguments))
        except (msgspec.DecodeError, RecursionError):
            return False
        return True


class MessageEventRenderer:
    """Writes one stream. See `caller.EventRenderer`."""

    def __init__(self, *, model: str) -> None:
        self._model = model
        self._started = False
        self._blocks: list[_Block] = []
        self._open = 0
        self._finished: ChoiceFinished | None = None

    def render(self, event: Event) -> bytes:
        """Return the bytes for one event; `message_delta` is kept until `finish`, other choices are left out."""
        if isinstance(event, StreamStarted):
            return self._start(event.id)
        if getattr(event, "choice", 0) != 0:
            return b""
        match event:
            case TextDelta() | RefusalDelta():
                block = self._block("text", {"type": "text", "text": ""})
                block.deltas.append({"type": "text_delta", "text": event.text})
            case ReasoningDelta():
                self._take_reasoning(event)
            case ToolUseStarted():
                start = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
                self._blocks.append(_Block("tool_use", start, event.index))
            case ToolArgumentsDelta():
                self._take_arguments(event)
            case ChoiceFinished():
                self._finished = event
            case _:
                return b""
        return self._start("") + self._advance()

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return `message_delta` with usage, then `message_stop`."""
        finished = self._finished or ChoiceFinished(reason="stop")
        delta = {"stop_reason": STOP_WORDS[finished.reason], "stop_sequence": finished.stop_sequence}
        end = {
            "type": "message_delta",
            "delta": delta,
            "usage": render_anthropic_usage(usage),
            "gateway_usage": gateway_usage,
        }
        self._finished = finished
        return self._start("") + self._advance() + _event(end) + _event({"type": "message_stop"})

    def fail(self, error: GatewayzError) -> bytes:
        """Return the one error event that ends a broken stream."""
        return _event(anthropic_error(error))

    def _start(self, id: str) -> bytes:
        if self._started:
            return b""
        self._started = True
        message: Member = {
            "id": message_id(id),
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": _NO_TOKENS,
        }
        return _event({"type": "message_start", "message": message})

    def _block(self, kind: str, start: Member) -> _Block:
        """Return the last block when it is of this kind and takes more, else a new one."""
        last = self._blocks[-1] if self._blocks else None
        if last is None or last.kind != kind or last.signed:
            last = _Block(kind, start)
            self._blocks.append(last)
        return last

    def _take_reasoning(self, event: ReasoningDelta) -> None:
        own = event.origin == ANTHROPIC_MESSAGES
        if own and event.redacted is not None:
            self._blocks.append(_Block("redacted_thinking", {"type": "redacted_thinking", "data": event.redacted}))
            return
        if not event.text and not (own and event.signature):
            return
        block = self._block("thinking", {"type": "thinking", "thinking": "", "signature": ""})
        if event.text:
            block.deltas.append({"type": "thinking_delta", "thinking": event.text})
        if own and event.signature:
            block.deltas.append({"type": "signature_delta", "signature": event.signature})
            block.signed = True

    def _take_arguments(self, event: ToolArgumentsDelta) -> None:
        for block in reversed(self._blocks):
            if block.tool == event.index:
                block.arguments.append(event.arguments)
                block.deltas.append({"type": "input_json_delta", "partial_json": event.arguments})
                return

    def _advance(self) -> bytes:
        """Return all that can be written now: deltas of the open block, and the next blocks as that completes."""
        written: list[bytes] = []
        while self._open < len(self._blocks):
            block = self._blocks[self._open]
            if not block.is_open:
                block.is_open = True
                start = {"type": "content_block_start", "index": self._open, "content_block": block.start}
                written.append(_event(start))
            for delta in block.deltas:
                written.append(_event({"type": "content_block_delta", "index": self._open, "delta": delta}))
            block.deltas.clear()
            has_successor = self._open + 1 < len(self._blocks)
            if self._finished is None and not (has_successor and block.is_complete()):
                break
            written.append(_event({"type": "content_block_stop", "index": self._open}))
            self._open += 1
        return b"".join(written)


def _event(data: Member) -> bytes:
    return write_event(_encode(data), data["type"].encode())
