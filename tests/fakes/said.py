"""What a stub provider says, written in the format of the path it was asked on: whole or as a stream."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from tests.fakes.stub_upstream import Answer, Seen

__all__ = ["Call", "Said", "say", "take_turns"]

_PIECE = 7
"""Characters of a streamed piece: short, so that arguments and text come in several."""


@dataclass(frozen=True)
class Call:
    """One tool call."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Said:
    """One answer of a model."""

    text: str = ""
    thinking: str = ""
    signature: str = ""
    calls: tuple[Call, ...] = ()
    cut: bool = False
    """The limit of tokens was reached."""
    input_tokens: int = 9
    output_tokens: int = 2
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    extra: dict[str, Any] = field(default_factory=dict)
    """Members of the whole answer (chat only)."""


def say(said: Said) -> "Callable[[Seen], Answer]":
    """Answer every request with it."""
    return lambda seen: (200, {}, list(_written(seen, said)))


def take_turns(*turns: Said) -> "Callable[[Seen], Answer]":
    """Answer the first request with the first, and so on; the last one is repeated."""
    left = list(turns)

    def behave(seen: "Seen") -> "Answer":
        return say(left.pop(0) if len(left) > 1 else left[0])(seen)

    return behave


def _written(seen: "Seen", said: Said) -> Iterator[bytes | float]:
    model = str(seen.body["model"])
    stream = bool(seen.body.get("stream"))
    path = seen.path.partition("?")[0]
    if path.endswith("/messages"):
        yield from _anthropic_stream(model, said) if stream else [_anthropic(model, said)]
    elif path.endswith("/responses"):
        yield from _responses_stream(model, said) if stream else [_json(_response(model, said, "completed"))]
    elif path.endswith("/chat/completions"):
        yield from _chat_stream(model, said) if stream else [_chat(model, said)]
    else:
        yield from _completions(model, said, stream)


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), _PIECE):
        yield text[start : start + _PIECE]


def _data(value: Any) -> bytes:
    return b"data: " + _json(value) + b"\n\n"


# ---------------------------------------------------------------- OpenAI chat and completions


def _chat_usage(said: Said) -> dict[str, Any]:
    return {
        "prompt_tokens": said.input_tokens,
        "completion_tokens": said.output_tokens,
        "total_tokens": said.input_tokens + said.output_tokens,
        "prompt_tokens_details": {"cached_tokens": said.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _chat_finish(said: Said) -> str:
    return "length" if said.cut else "tool_calls" if said.calls else "stop"


def _chat_call(call: Call, arguments: str) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _chat(model: str, said: Said) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": said.text or None, "refusal": None}
    if said.calls:
        message["tool_calls"] = [_chat_call(call, call.arguments) for call in said.calls]
    choice = {"index": 0, "message": message, "finish_reason": _chat_finish(said), "logprobs": None}
    whole = {"id": "chatcmpl-said", "object": "chat.completion", "created": 1, "model": model, "choices": [choice]}
    return _json({**whole, "usage": _chat_usage(said), **said.extra})


def _chat_stream(model: str, said: Said) -> Iterator[bytes]:
    def chunk(delta: dict[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return _data({**base, "choices": [choice]})

    base = {"id": "chatcmpl-said", "object": "chat.completion.chunk", "created": 1, "model": model}
    yield chunk({"role": "assistant", "content": "" if said.text else None})
    for piece in _pieces(said.text):
        yield chunk({"content": piece})
    for index, call in enumerate(said.calls):
        yield chunk({"tool_calls": [{"index": index, **_chat_call(call, "")}]})
        for piece in _pieces(call.arguments):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, _chat_finish(said))
    yield _data({**base, "choices": [], "usage": _chat_usage(said)})
    yield b"data: [DONE]\n\n"


def _completions(model: str, said: Said, stream: bool) -> Iterator[bytes]:
    base = {"id": "cmpl-said", "object": "text_completion", "created": 1, "model": model}
    finish = "length" if said.cut else "stop"
    usage = {key: value for key, value in _chat_usage(said).items() if not key.endswith("_details")}
    if not stream:
        choice = {"index": 0, "text": said.text, "finish_reason": finish, "logprobs": None}
        yield _json({**base, "choices": [choice], "usage": usage})
        return
    for piece in _pieces(said.text):
        yield _data({**base, "choices": [{"index": 0, "text": piece, "finish_reason": None, "logprobs": None}]})
    yield _data({**base, "choices": [{"index": 0, "text": "", "finish_reason": finish, "logprobs": None}]})
    yield _data({**base, "choices": [], "usage": usage})
    yield b"data: [DONE]\n\n"


# ---------------------------------------------------------------- Anthropic messages


def _anthropic_usage(said: Said) -> dict[str, Any]:
    return {
        "input_tokens": said.input_tokens,
        "cache_creation_input_tokens": said.cache_write_tokens,
        "cache_read_input_tokens": said.cached_tokens,
        "output_tokens": said.output_tokens,
    }


def _anthropic_stop(said: Said) -> str:
    return "max_tokens" if said.cut else "tool_use" if said.calls else "end_turn"


def _anthropic_head(model: str) -> dict[str, Any]:
    return {"id": "msg_said", "type": "message", "role": "assistant", "model": model, "stop_sequence": None}


def _anthropic(model: str, said: Said) -> bytes:
    content: list[dict[str, Any]] = []
    if said.thinking:
        content.append({"type": "thinking", "thinking": said.thinking, "signature": said.signature})
    if said.text:
        content.append({"type": "text", "text": said.text})
    for call in said.calls:
        arguments = msgspec.json.decode(call.arguments)
        content.append({"type": "tool_use", "id": call.id, "name": call.name, "input": arguments})
    whole = {**_anthropic_head(model), "content": content, "stop_reason": _anthropic_stop(said)}
    return _json({**whole, "usage": _anthropic_usage(said)})


def _anthropic_stream(model: str, said: Said) -> Iterator[bytes]:
    start: dict[str, Any] = {**_anthropic_head(model), "content": [], "stop_reason": None}
    start["usage"] = {**_anthropic_usage(said), "output_tokens": 1}
    yield _named({"type": "message_start", "message": start})
    for index, (block, deltas) in enumerate(_anthropic_blocks(said)):
        yield _named({"type": "content_block_start", "index": index, "content_block": block})
        for delta in deltas:
            yield _named({"type": "content_block_delta", "index": index, "delta": delta})
        yield _named({"type": "content_block_stop", "index": index})
    stop = {"stop_reason": _anthropic_stop(said), "stop_sequence": None}
    yield _named({"type": "message_delta", "delta": stop, "usage": {"output_tokens": said.output_tokens}})
    yield _named({"type": "message_stop"})


def _anthropic_blocks(said: Said) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    if said.thinking:
        deltas: list[dict[str, Any]] = [{"type": "thinking_delta", "thinking": part} for part in _pieces(said.thinking)]
        signature = {"type": "signature_delta", "signature": said.signature}
        yield {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signature]
    if said.text:
        yield {"type": "text", "text": ""}, [{"type": "text_delta", "text": piece} for piece in _pieces(said.text)]
    for call in said.calls:
        block = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        yield block, [{"type": "input_json_delta", "partial_json": piece} for piece in _pieces(call.arguments)]


def _named(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() + _data(event)


# ---------------------------------------------------------------- OpenAI responses


def _response(model: str, said: Said, status: str) -> dict[str, Any]:
    done = status == "completed"
    usage = {
        "input_tokens": said.input_tokens,
        "input_tokens_details": {"cached_tokens": said.cached_tokens},
        "output_tokens": said.output_tokens,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.input_tokens + said.output_tokens,
    }
    return {
        "id": "resp_said",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": model,
        "output": _items(said) if done else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": usage if done else None,
    }


def _items(said: Said) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    if said.text:
        part = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
        message = {"id": "msg_said", "type": "message", "status": "completed", "role": "assistant", "content": [part]}
        items.append(message)
    for call in said.calls:
        item = {"id": f"fc_{call.id}", "type": "function_call", "status": "completed", "call_id": call.id}
        items.append({**item, "name": call.name, "arguments": call.arguments})
    return items


def _responses_stream(model: str, said: Said) -> Iterator[bytes]:
    for number, event in enumerate(_response_events(model, said)):
        yield _named({**event, "sequence_number": number})


def _response_events(model: str, said: Said) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": _response(model, said, "in_progress")}
    yield {"type": "response.in_progress", "response": _response(model, said, "in_progress")}
    for index, item in enumerate(_items(said)):
        if item["type"] == "message":
            yield from _message_events(index, item)
        else:
            yield from _function_events(index, item)
    yield {"type": "response.completed", "response": _response(model, said, "completed")}


def _message_events(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    text = item["content"][0]["text"]
    where = {"item_id": item["id"], "output_index": index, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    started = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": index, "item": started}
    yield {"type": "response.content_part.added", **where, "part": empty}
    for piece in _pieces(text):
        yield {"type": "response.output_text.delta", **where, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **where, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **where, "part": item["content"][0]}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _function_events(index: int, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
    where = {"item_id": item["id"], "output_index": index}
    started = {**item, "status": "in_progress", "arguments": ""}
    yield {"type": "response.output_item.added", "output_index": index, "item": started}
    for piece in _pieces(item["arguments"]):
        yield {"type": "response.function_call_arguments.delta", **where, "delta": piece}
    done = {"name": item["name"], "arguments": item["arguments"]}
    yield {"type": "response.function_call_arguments.done", **where, **done}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}
