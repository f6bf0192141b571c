"""The caller's half of a stream: events of the Responses API, numbered and in order.

Source: OpenAI API reference, "Streaming events" (2026-11); clients-on-the-wire 8, 9.
"""

from typing import Any, Literal

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_responses.freeform import freeform_names, unwrap_input
from gatewayz.dialects.openai_responses.output import (
    call_item,
    message_item,
    reasoning_item,
    refusal_part,
    signature_item,
    text_part,
)
from gatewayz.dialects.openai_responses.response import incomplete_reason, response_shell, response_stem
from gatewayz.dialects.openai_responses.seal import seal_reasoning
from gatewayz.dialects.openai_responses.usage import render_usage
from gatewayz.dialects.sse import write_event
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Event,
    FinishReason,
    LogprobsDelta,
    ModelCall,
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
from gatewayz.sdk.wire import OPENAI_RESPONSES

__all__ = ["ResponseWriter"]

JsonObject = dict[str, Any]
_encode = msgspec.json.Encoder().encode


class _OpenMessage:
    """The assistant message being written and its current content part."""

    __slots__ = ("content", "id", "index", "kind", "logprobs", "pieces")

    def __init__(self, id: str, index: int) -> None:
        self.id = id
        self.index = index
        self.content: list[JsonObject] = []
        self.kind: Literal["text", "refusal"] | None = None
        self.pieces: list[str] = []
        self.logprobs: list[Any] = []


class _OpenReasoning:
    """The reasoning item being written."""

    __slots__ = ("encrypted", "id", "index", "pieces")

    def __init__(self, id: str, index: int) -> None:
        self.id = id
        self.index = index
        self.pieces: list[str] = []
        self.encrypted: str | None = None


class _OpenCall:
    """One tool call being written; several may be open, providers interleave parallel calls."""

    __slots__ = ("call_id", "freeform", "id", "index", "name", "pieces")

    def __init__(self, id: str, index: int, call_id: str, name: str, *, freeform: bool) -> None:
        self.id = id
        self.index = index
        self.call_id = call_id
        self.name = name
        self.freeform = freeform
        self.pieces: list[str] = []

    def item(self, status: str) -> JsonObject:
        arguments = "".join(self.pieces)
        return call_item(self.id, self.call_id, self.name, arguments, freeform=self.freeform, status=status)


class ResponseWriter:
    """Writes one stream. Only the first choice has a place in this format."""

    def __init__(self, *, model: str, call: ModelCall) -> None:
        self._model = model
        self._call = call
        self._freeform = freeform_names(call)
        self._sequence = 0
        self._id = "resp_"
        self._stem = ""
        self._created = 0
        self._started = False
        self._output: dict[int, JsonObject] = {}
        self._next_index = 0
        self._message: _OpenMessage | None = None
        self._reasoning: _OpenReasoning | None = None
        self._calls: dict[int, _OpenCall] = {}
        self._reason: FinishReason = "stop"

    def render(self, event: Event) -> bytes:
        """Return the bytes for one event. See `EventRenderer.render`."""
        out: list[bytes] = []
        if isinstance(event, StreamStarted):
            self._start(out, event.id, event.created)
        elif isinstance(event, UsageReported) or event.choice != 0:
            return b""
        elif isinstance(event, TextDelta):
            self._write_text(out, event.text, "text")
        elif isinstance(event, ToolArgumentsDelta):
            self._write_arguments(out, event)
        elif isinstance(event, ReasoningDelta):
            self._write_reasoning(out, event)
        elif isinstance(event, ToolUseStarted):
            self._start_call(out, event)
        elif isinstance(event, RefusalDelta):
            self._write_text(out, event.text, "refusal")
        elif isinstance(event, LogprobsDelta):
            self._write_logprobs(out, event)
        elif isinstance(event, ChoiceFinished):
            self._reason = event.reason
            self._close_all(out, "incomplete" if incomplete_reason(event.reason) else "completed")
        return b"".join(out)

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return the events that end a good stream."""
        out: list[bytes] = []
        self._ensure_started(out)
        incomplete = incomplete_reason(self._reason)
        self._close_all(out, "incomplete" if incomplete else "completed")
        status = "incomplete" if incomplete else "failed" if self._reason == "error" else "completed"
        response = self._response(status)
        if incomplete:
            response["incomplete_details"] = {"reason": incomplete}
        if status == "failed":
            response["error"] = {"code": "server_error", "message": "the provider stopped with an error"}
        response["usage"] = render_usage(usage)
        response["gateway_usage"] = gateway_usage
        self._emit(out, f"response.{status}", response=response)
        return b"".join(out)

    def fail(self, error: GatewayzError) -> bytes:
        """Return `response.failed`, with what was finished before."""
        out: list[bytes] = []
        self._ensure_started(out)
        response = self._response("failed")
        response["error"] = {"code": _error_code(error), "message": error.message, "gateway_code": error.code}
        response["usage"] = None
        self._emit(out, "response.failed", response=response)
        return b"".join(out)

    def _emit(self, out: list[bytes], kind: str, **members: Any) -> None:
        data = _encode({"type": kind, "sequence_number": self._sequence, **members})
        out.append(write_event(data, kind.encode()))
        self._sequence += 1

    def _response(self, status: str) -> JsonObject:
        response = response_shell(self._call, id=self._id, model=self._model, created=self._created, status=status)
        response["output"] = [self._output[index] for index in sorted(self._output)]
        return response

    def _start(self, out: list[bytes], id: str, created: int) -> None:
        if self._started:
            return
        self._started = True
        self._stem = response_stem(id)
        self._id = f"resp_{self._stem}"
        self._created = created
        response = {**self._response("in_progress"), "usage": None}
        self._emit(out, "response.created", response=response)
        self._emit(out, "response.in_progress", response=response)

    def _ensure_started(self, out: list[bytes]) -> None:
        self._start(out, "unstarted", self._created)

    def _take_index(self) -> int:
        index = self._next_index
        self._next_index += 1
        return index

    def _open_message(self, out: list[bytes]) -> _OpenMessage:
        if self._message is None:
            self._close_reasoning(out)
            index = self._take_index()
            self._message = _OpenMessage(f"msg_{self._stem}_{index}", index)
            item = message_item(self._message.id, (), "in_progress")
            self._emit(out, "response.output_item.added", output_index=index, item=item)
        return self._message

    def _write_text(self, out: list[bytes], text: str, kind: Literal["text", "refusal"]) -> None:
        message = self._open_message(out)
        if message.kind != kind:
            self._close_part(out, message)
            message.kind = kind
            part = text_part("") if kind == "text" else refusal_part("")
            self._emit(out, "response.content_part.added", **_place(message), part=part)
        message.pieces.append(text)
        if kind == "text":
            self._emit(out, "response.output_text.delta", **_place(message), delta=text, logprobs=())
        else:
            self._emit(out, "response.refusal.delta", **_place(message), delta=text)

    def _write_logprobs(self, out: list[bytes], event: LogprobsDelta) -> None:
        # The text they belong to is written already; clients join the two by position in the stream.
        message = self._message
        tokens = event.logprobs.get("content")
        if message is not None and message.kind == "text" and tokens:
            message.logprobs += tokens
            self._emit(out, "response.output_text.delta", **_place(message), delta="", logprobs=tokens)

    def _close_part(self, out: list[bytes], message: _OpenMessage) -> None:
        if message.kind is None:
            return
        text = "".join(message.pieces)
        place = _place(message)
        if message.kind == "text":
            part = text_part(text, message.logprobs)
            self._emit(out, "response.output_text.done", **place, text=text, logprobs=message.logprobs)
        else:
            part = refusal_part(text)
            self._emit(out, "response.refusal.done", **place, refusal=text)
        self._emit(out, "response.content_part.done", **place, part=part)
        message.content.append(part)
        message.kind, message.pieces, message.logprobs = None, [], []

    def _close_message(self, out: list[bytes], status: str = "completed") -> None:
        message = self._message
        if message is not None:
            self._close_part(out, message)
            self._finish_item(out, message.index, message_item(message.id, message.content, status))
            self._message = None

    def _finish_item(self, out: list[bytes], index: int, item: JsonObject) -> None:
        self._output[index] = item
        self._emit(out, "response.output_item.done", output_index=index, item=item)

    def _write_reasoning(self, out: list[bytes], event: ReasoningDelta) -> None:
        current = self._reasoning
        if event.redacted is not None and event.origin != OPENAI_RESPONSES and current is not None:
            self._close_reasoning(out)  # encrypted thinking of other formats is a block of its own
        if self._reasoning is None:
            self._close_message(out)
            index = self._take_index()
            self._reasoning = _OpenReasoning(f"rs_{self._stem}_{index}", index)
            item = reasoning_item(self._reasoning.id, "", None)
            self._emit(out, "response.output_item.added", output_index=index, item=item)
        reasoning = self._reasoning
        if event.text:
            place = {"item_id": reasoning.id, "output_index": reasoning.index, "summary_index": 0}
            if not reasoning.pieces:
                part = {"type": "summary_text", "text": ""}
                self._emit(out, "response.reasoning_summary_part.added", **place, part=part)
            reasoning.pieces.append(event.text)
            self._emit(out, "response.reasoning_summary_text.delta", **place, delta=event.text)
        if event.signature is not None or event.redacted is not None:
            reasoning.encrypted = seal_reasoning(
                Reasoning(signature=event.signature, redacted=event.redacted, origin=event.origin)
            )
            self._close_reasoning(out)

    def _close_reasoning(self, out: list[bytes]) -> None:
        reasoning = self._reasoning
        if reasoning is None:
            return
        text = "".join(reasoning.pieces)
        if text:
            place = {"item_id": reasoning.id, "output_index": reasoning.index, "summary_index": 0}
            self._emit(out, "response.reasoning_summary_text.done", **place, text=text)
            part = {"type": "summary_text", "text": text}
            self._emit(out, "response.reasoning_summary_part.done", **place, part=part)
        self._finish_item(out, reasoning.index, reasoning_item(reasoning.id, text, reasoning.encrypted))
        self._reasoning = None

    def _start_call(self, out: list[bytes], event: ToolUseStarted) -> None:
        self._close_reasoning(out)
        self._close_message(out)
        if event.signature is not None:
            index = self._take_index()
            item = signature_item(f"rs_{self._stem}_{index}", event.signature)
            self._emit(out, "response.output_item.added", output_index=index, item=item)
            self._finish_item(out, index, item)
        index = self._take_index()
        freeform = event.name in self._freeform
        call = _OpenCall(f"fc_{self._stem}_{index}", index, event.id, event.name, freeform=freeform)
        self._calls[event.index] = call
        self._emit(out, "response.output_item.added", output_index=index, item=call.item("in_progress"))

    def _write_arguments(self, out: list[bytes], event: ToolArgumentsDelta) -> None:
        call = self._calls.get(event.index)
        if call is None or not event.arguments:
            return
        call.pieces.append(event.arguments)
        if not call.freeform:  # its text is inside JSON, and follows whole
            place = {"item_id": call.id, "output_index": call.index}
            self._emit(out, "response.function_call_arguments.delta", **place, delta=event.arguments)

    def _close_calls(self, out: list[bytes], status: str) -> None:
        for call in self._calls.values():
            arguments = "".join(call.pieces)
            place = {"item_id": call.id, "output_index": call.index}
            if call.freeform:
                text = unwrap_input(arguments)
                self._emit(out, "response.custom_tool_call_input.delta", **place, delta=text)
                self._emit(out, "response.custom_tool_call_input.done", **place, input=text)
            else:
                if not arguments:
                    arguments = "{}"
                    call.pieces.append(arguments)
                    self._emit(out, "response.function_call_arguments.delta", **place, delta=arguments)
                self._emit(out, "response.function_call_arguments.done", **place, name=call.name, arguments=arguments)
            self._finish_item(out, call.index, call.item(status))
        self._calls.clear()

    def _close_all(self, out: list[bytes], status: str) -> None:
        self._close_reasoning(out)
        self._close_calls(out, status)
        self._close_message(out, status)


def _place(message: _OpenMessage) -> JsonObject:
    return {"item_id": message.id, "output_index": message.index, "content_index": len(message.content)}


def _error_code(error: GatewayzError) -> str:
    if error.status == 429:
        return "rate_limit_exceeded"
    return "invalid_prompt" if 400 <= error.status < 500 else "server_error"
