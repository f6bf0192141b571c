"""Whether an answer ended as answers should: what was cut short or failed is not given again.

An answer that a model cut off at its length limit, that a filter stopped, or that waits for more is
none of these, nor is one that does not say how it ended.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import msgspec

from gatewayz.sdk.wire import (
    ANTHROPIC_MESSAGES,
    OPENAI_CHAT,
    OPENAI_COMPLETIONS,
    OPENAI_EMBEDDINGS,
    OPENAI_RESPONSES,
    Format,
)

__all__ = ["JUDGED_FORMATS", "ended_well"]

_GOOD_CHAT: Final = frozenset(("stop", "tool_calls", "function_call"))
_GOOD_MESSAGES: Final = frozenset(("end_turn", "tool_use", "stop_sequence"))
_DATA: Final = b"data:"
_DONE: Final = b"[DONE]"


class _Choice(msgspec.Struct):
    index: int = 0
    finish_reason: str | None = None


class _Chat(msgspec.Struct):
    choices: list[_Choice] = []


class _Delta(msgspec.Struct):
    stop_reason: str | None = None


class _Message(msgspec.Struct):
    type: str = ""
    stop_reason: str | None = None
    delta: _Delta | None = None


class _Response(msgspec.Struct):
    status: str = ""
    error: Any = None


class _ResponseEvent(msgspec.Struct):
    type: str = ""
    response: _Response | None = None


class _Vectors(msgspec.Struct):
    data: list[msgspec.Raw] = []


_CHAT: Final = msgspec.json.Decoder(_Chat)
_MESSAGE: Final = msgspec.json.Decoder(_Message)
_RESPONSE: Final = msgspec.json.Decoder(_Response)
_RESPONSE_EVENT: Final = msgspec.json.Decoder(_ResponseEvent)
_VECTORS: Final = msgspec.json.Decoder(_Vectors)


def ended_well(format: Format, body: bytes, *, stream: bool) -> bool:
    """Return whether a whole answer, or all events of a stream, says that it is complete."""
    try:
        return _JUDGES[format](list(_events(body)) if stream else [body], stream)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False


def _chat(parts: list[bytes], stream: bool) -> bool:
    reasons: dict[int, str | None] = {}
    for part in parts:
        for position, choice in enumerate(_CHAT.decode(part).choices):
            index = choice.index if stream else position
            reasons[index] = choice.finish_reason or reasons.get(index)
    return bool(reasons) and all(reason in _GOOD_CHAT for reason in reasons.values())


def _messages(parts: list[bytes], stream: bool) -> bool:
    reason: str | None = None
    for part in parts:
        message = _MESSAGE.decode(part)
        if message.type == "error":
            return False
        if message.delta is not None and message.type == "message_delta":
            reason = message.delta.stop_reason or reason
        elif not stream:
            reason = message.stop_reason
    return reason in _GOOD_MESSAGES


def _responses(parts: list[bytes], stream: bool) -> bool:
    if not stream:
        return _completed(_RESPONSE.decode(parts[0]))
    events = [_RESPONSE_EVENT.decode(part) for part in parts]
    last = [event.response for event in events if event.type == "response.completed"]
    return bool(last) and last[-1] is not None and _completed(last[-1])


def _completed(response: _Response) -> bool:
    return response.status == "completed" and response.error is None


def _vectors(parts: list[bytes], stream: bool) -> bool:
    return bool(_VECTORS.decode(parts[0]).data)


def _events(body: bytes) -> Iterator[bytes]:
    for line in body.split(b"\n"):
        if line.startswith(_DATA) and (data := line[len(_DATA) :].strip()) != _DONE:
            yield data


_JUDGES: Final[Mapping[Format, Callable[[list[bytes], bool], bool]]] = {
    OPENAI_CHAT: _chat,
    OPENAI_COMPLETIONS: _chat,
    OPENAI_RESPONSES: _responses,
    OPENAI_EMBEDDINGS: _vectors,
    ANTHROPIC_MESSAGES: _messages,
}
JUDGED_FORMATS: Final = frozenset(_JUDGES)
"""Those of which it can be told."""
