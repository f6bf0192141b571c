"""Sessions seen from the wire: what a call asks, what an answer says, and history put in front, in two formats.

Text only: parts of other kinds are the caller's to send again. Source: docs/decisions/0165-sessions-keep-text.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

import msgspec
from msgspec import Raw

from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, Format

__all__ = ["TURNS", "Said", "Turns"]

T = TypeVar("T")
_MEMBERS: Final = msgspec.json.Decoder(dict[str, Raw])
_RAWS: Final = msgspec.json.Decoder(list[Raw])
_DATA: Final = b"data:"


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """One message of a session."""

    role: str
    content: str


class Turns(Protocol):
    """One format."""

    def asked(self, messages: bytes) -> list[str]:
        """Return the texts of the user's messages after the last answer in a call's `messages`."""
        ...

    def with_history(self, body: bytes, history: Sequence[Said]) -> bytes:
        """Return a call's body with history in front of its messages, and without `session_id`."""
        ...

    def answered(self, body: bytes) -> str:
        """Return the text of a whole answer, of its first choice."""
        ...

    def delivered(self, block: bytes) -> str:
        """Return the text in whole events of a stream, of its first choice."""
        ...


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: Any = None


_MESSAGES: Final = msgspec.json.Decoder(list[_Message])


class _Delta(msgspec.Struct, frozen=True):
    content: Any = None


class _ChunkChoice(msgspec.Struct, frozen=True):
    index: int = 0
    delta: _Delta = _Delta()


class _Chunk(msgspec.Struct, frozen=True):
    choices: list[_ChunkChoice] = []


class _AnswerChoice(msgspec.Struct, frozen=True):
    message: _Delta = _Delta()


class _ChatAnswer(msgspec.Struct, frozen=True):
    choices: list[_AnswerChoice] = []


class _TextDelta(msgspec.Struct, frozen=True):
    text: str = ""


class _BlockEvent(msgspec.Struct, frozen=True):
    type: str = ""
    delta: _TextDelta = _TextDelta()


class _MessagesAnswer(msgspec.Struct, frozen=True):
    content: Any = None


_CHUNK: Final = msgspec.json.Decoder(_Chunk)
_CHAT_ANSWER: Final = msgspec.json.Decoder(_ChatAnswer)
_BLOCK_EVENT: Final = msgspec.json.Decoder(_BlockEvent)
_MESSAGES_ANSWER: Final = msgspec.json.Decoder(_MessagesAnswer)


class _ChatTurns:
    """OpenAI's chat: instructions are messages, and stay in front of the history."""

    def asked(self, messages: bytes) -> list[str]:
        return _asked(messages)

    def with_history(self, body: bytes, history: Sequence[Said]) -> bytes:
        members = _without_session(body)
        raws, roles = _RAWS.decode(members["messages"]), [each.role for each in _MESSAGES.decode(members["messages"])]
        first = next((n for n, role in enumerate(roles) if role not in ("system", "developer")), len(raws))
        kept = [Raw(msgspec.json.encode(each)) for each in history]
        members["messages"] = _raw([*raws[:first], *kept, *raws[first:]])
        return msgspec.json.encode(members)

    def answered(self, body: bytes) -> str:
        answer = _decoded(_CHAT_ANSWER, body)
        return _text(answer.choices[0].message.content) if answer is not None and answer.choices else ""

    def delivered(self, block: bytes) -> str:
        chunks = [chunk for data in _events(block) if (chunk := _decoded(_CHUNK, data)) is not None]
        return "".join(_text(choice.delta.content) for chunk in chunks for choice in chunk.choices if choice.index == 0)


class _MessagesTurns:
    """Anthropic's messages: instructions are a member of their own."""

    def asked(self, messages: bytes) -> list[str]:
        return _asked(messages)

    def with_history(self, body: bytes, history: Sequence[Said]) -> bytes:
        members = _without_session(body)
        instructions = [{"type": "text", "text": each.content} for each in history if each.role == "system"]
        if instructions:
            own = msgspec.json.decode(members.get("system", b"[]"))
            blocks = [{"type": "text", "text": own}] if isinstance(own, str) else own or []
            members["system"] = _raw([*instructions, *blocks])
        kept = [Raw(msgspec.json.encode(each)) for each in history if each.role != "system"]
        members["messages"] = _raw([*kept, *_RAWS.decode(members["messages"])])
        return msgspec.json.encode(members)

    def answered(self, body: bytes) -> str:
        answer = _decoded(_MESSAGES_ANSWER, body)
        return "" if answer is None else _text(answer.content)

    def delivered(self, block: bytes) -> str:
        events = [event for data in _events(block) if (event := _decoded(_BLOCK_EVENT, data)) is not None]
        return "".join(event.delta.text for event in events if event.type == "content_block_delta")


def _decoded(decoder: "msgspec.json.Decoder[T]", data: bytes) -> T | None:
    """Return what a provider said, None when it is not of the shape that carries text."""
    try:
        return decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _without_session(body: bytes) -> dict[str, Raw]:
    members = _MEMBERS.decode(body)
    members.pop("session_id", None)
    return members


def _asked(messages: bytes) -> list[str]:
    said: list[str] = []
    for message in _MESSAGES.decode(messages):
        if message.role == "assistant":
            said.clear()
        elif message.role == "user" and (text := _text(message.content)):
            said.append(text)
    return said


def _text(content: Any) -> str:
    """Return the text of a message's content, a string or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "\n".join(text for text in texts if isinstance(text, str))


def _events(block: bytes) -> Iterator[bytes]:
    for line in block.split(b"\n"):
        if line.startswith(_DATA):
            yield line[len(_DATA) :]


def _raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


TURNS: Final[Mapping[Format, Turns]] = {OPENAI_CHAT: _ChatTurns(), ANTHROPIC_MESSAGES: _MessagesTurns()}
"""The formats that sessions go with."""
