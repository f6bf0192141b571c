"""Core events as a stream of chunks.

One id throughout, the role in a choice's first chunk, exactly one finish reason on a choice's last chunk,
no chunk without choices unless usage was asked for, no `[DONE]` after an error. Source: spec 01 §1.5;
what official clients demand, docs/decisions/0020.
"""

from typing import Any, Final

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_chat.completion import FINISH_WORDS, chat_id, reasoning_detail
from gatewayz.dialects.openai_errors import openai_error
from gatewayz.dialects.openai_usage import render_openai_usage
from gatewayz.dialects.sse import DONE
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
    LogprobsDelta,
    Reasoning,
    ReasoningDelta,
    RefusalDelta,
    StreamStarted,
    TextDelta,
    ToolArgumentsDelta,
    ToolUseStarted,
    UsageReported,
)
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.usage import Usage

__all__ = ["ChatEventRenderer"]

_encode: Final = msgspec.json.Encoder().encode
_ROLE: Final[dict[str, Any]] = {"role": "assistant", "content": ""}


class ChatEventRenderer:
    """Writes one stream. See `caller.EventRenderer`."""

    def __init__(self, *, model: str, include_usage: bool) -> None:
        self._model = model
        self._include_usage = include_usage
        self._head = b""
        self._opened: set[int] = set()
        self._finished: list[bytes] = []

    def render(self, event: Event) -> bytes:
        """Return the bytes for one event; finish chunks are kept until `finish`."""
        match event:
            case UsageReported():
                return b""
            case StreamStarted():
                self._start(event.id, event.created)
                return self._open(0)
            case ChoiceFinished():
                opening = self._open(event.choice)
                self._finished.append(self._choice(event.choice, {}, finish=FINISH_WORDS[event.reason]))
                return opening
            case LogprobsDelta():
                return self._open(event.choice) + self._chunk(self._choice(event.choice, {}, logprobs=event.logprobs))
            case _:
                return self._open(event.choice) + self._chunk(self._choice(event.choice, _delta(event)))

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return finish chunks, the usage chunk when asked for, and the terminator."""
        self._start("", 0)
        written = [self._chunk(choice) for choice in self._finished[:-1]]
        spliced = b',"gateway_usage":' + _encode(gateway_usage)
        last = self._finished[-1] if self._finished else b""
        if self._include_usage:
            if last:
                written.append(self._chunk(last))
            written.append(self._chunk(b"", b',"usage":' + _encode(render_openai_usage(usage)) + spliced))
        elif last:
            written.append(self._chunk(last, spliced))
        return b"".join(written) + DONE

    def fail(self, error: GatewayzError) -> bytes:
        """Return the one error event that ends a broken stream."""
        return b"data: " + _encode({"error": openai_error(error)}) + b"\n\n"

    def _start(self, id: str, created: int) -> None:
        if not self._head:
            head = {"id": chat_id(id), "object": "chat.completion.chunk", "created": created, "model": self._model}
            self._head = b"data: " + _encode(head)[:-1] + b',"choices":['

    def _open(self, choice: int) -> bytes:
        """Return the chunk with the role when the choice has none yet."""
        if choice in self._opened:
            return b""
        self._start("", 0)
        self._opened.add(choice)
        return self._chunk(self._choice(choice, _ROLE))

    def _chunk(self, choice: bytes, members: bytes = b"") -> bytes:
        return self._head + choice + b"]" + members + b"}\n\n"

    def _choice(
        self, index: int, delta: dict[str, Any], *, logprobs: object = None, finish: str | None = None
    ) -> bytes:
        return _encode({"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish})


def _delta(
    event: TextDelta | ReasoningDelta | RefusalDelta | ToolUseStarted | ToolArgumentsDelta,
) -> dict[str, Any]:
    match event:
        case TextDelta():
            return {"content": event.text}
        case ReasoningDelta():
            return _reasoning(event)
        case RefusalDelta():
            return {"refusal": event.text}
        case ToolUseStarted():
            function = {"name": event.name, "arguments": ""}
            call: dict[str, Any] = {"index": event.index, "id": event.id, "type": "function", "function": function}
            if event.signature is not None:
                call["extra_content"] = {"google": {"thought_signature": event.signature}}
            return {"tool_calls": [call]}
        case ToolArgumentsDelta():
            return {"tool_calls": [{"index": event.index, "function": {"arguments": event.arguments}}]}


def _reasoning(event: ReasoningDelta) -> dict[str, Any]:
    """Text goes where every client looks, signatures where clients that send them back do."""
    delta: dict[str, Any] = {}
    if event.text:
        delta["reasoning_content"] = event.text
    if event.signature is not None or event.redacted is not None:
        block = Reasoning(text="", signature=event.signature, redacted=event.redacted, origin=event.origin)
        delta["reasoning_details"] = [reasoning_detail(block)]
    return delta
