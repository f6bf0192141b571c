"""What a format does so that its bytes can pass through."""

import re
from typing import Any, Final, Protocol

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.sdk.errors import GatewayzError, UpstreamBroken
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import Format

__all__ = [
    "CONTENT_TEXT",
    "DeliveredText",
    "EventBlocks",
    "Members",
    "Passthrough",
    "StreamEditor",
    "WholeReply",
    "decode_members",
    "encode_member",
]

Members = dict[str, msgspec.Raw]
"""The top-level members of a JSON object, each value as its original bytes."""

_MEMBERS: Final = msgspec.json.Decoder(Members)
CONTENT_TEXT: Final = re.compile(
    rb'"(?:content|text|arguments|reasoning_content|reasoning|refusal|thinking|partial_json)"'
    rb'\s*:\s*"([^"\\]*(?:\\.[^"\\]*)*)"'
)
"""JSON members that carry delivered text in chunks and events."""


class WholeReply(msgspec.Struct, frozen=True, kw_only=True):
    """A whole answer as the provider wrote it, and what it says it used (None: it does not say)."""

    members: Members
    usage: Usage | None


class DeliveredText:
    """Collects the text a stream has delivered, for progress and for counting when usage is missing."""

    __slots__ = ("_pattern", "_pieces", "characters")

    def __init__(self, pattern: re.Pattern[bytes] = CONTENT_TEXT) -> None:
        self._pattern = pattern
        self._pieces: list[bytes] = []
        self.characters = 0

    def add(self, block: bytes) -> None:
        """Take the text of every event in `block`."""
        found = self._pattern.findall(block)
        if found:
            self._pieces += found
            self.characters += sum(map(len, found))

    @classmethod
    def of(cls, body: bytes, pattern: re.Pattern[bytes] = CONTENT_TEXT) -> str:
        """Return the text in a whole body."""
        delivered = cls(pattern)
        delivered.add(body)
        return delivered.text()

    def text(self) -> str:
        """Return all of it, unescaped; text that does not decode counts as its raw form."""
        joined = b'"' + b"".join(self._pieces) + b'"'
        try:
            return msgspec.json.decode(joined, type=str)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return joined.decode("utf-8", "replace")


class EventBlocks:
    """Cuts a byte stream after its last complete event; line ends come out as LF."""

    __slots__ = ("_limit", "_tail")

    def __init__(self, limit: int) -> None:
        self._tail = b""
        self._limit = limit

    def feed(self, data: bytes) -> bytes:
        """Return all complete events, empty when there is none. Raises UpstreamBroken on an oversized event."""
        buffered = self._tail + data if self._tail else data
        if b"\r" in buffered:
            held = b"\r" if buffered.endswith(b"\r") else b""
            buffered = buffered[: len(buffered) - len(held)].replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held
        cut = buffered.rfind(b"\n\n") + 2
        if cut == 1:
            if len(buffered) > self._limit:
                raise UpstreamBroken("the provider sent an event larger than the limit")
            self._tail = buffered
            return b""
        self._tail = buffered[cut:]
        return buffered[:cut]

    def rest(self) -> bytes:
        """Return what the connection's end completes."""
        rest, self._tail = self._tail.strip(b"\r\n"), b""
        return rest + b"\n\n" if rest else b""


class StreamEditor(Protocol):
    """Edits one stream. Bytes come out as whole events only."""

    started: bool
    """First content has been seen: from here on nothing may be retried."""
    terminated: bool
    """The format's own end has been seen: nothing more is to be read."""
    usage: Usage | None
    delivered: DeliveredText

    def feed(self, data: bytes) -> bytes:
        """Return the events to relay now; empty while start-up events are held back.

        Raises UpstreamError for an error event, UpstreamBroken for bytes that are not of the format.
        """
        ...

    def end(self) -> bytes:
        """Return what the upstream's end completes. Raises UpstreamBroken when it ended early."""
        ...

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return the held-back end of the stream with the gateway's usage in it."""
        ...

    def fail(self, error: GatewayzError) -> bytes:
        """Return the error event that ends a broken stream."""
        ...


class Passthrough(Protocol):
    """One format's edits."""

    format: Format

    def edit_request(self, fields: Members, *, stream: bool) -> Members:
        """Return the members to send: usage is always asked for in streams."""
        ...

    def read_whole(self, body: bytes) -> WholeReply:
        """Return the members of an answer. Raises UpstreamError for an error body, UpstreamBroken for junk."""
        ...

    def delivered_text(self, body: bytes) -> str:
        """Return the text of an answer, for counting."""
        ...

    def render_whole(self, reply: WholeReply, *, request: Members, model: str, gateway_usage: GatewayUsage) -> bytes:
        """Return the answer under the canonical model name, with `gateway_usage`.

        :param request: the members of the request, where the answer's shape depends on them.
        """
        ...

    def stream_editor(self, *, model: str, include_usage: bool, max_event_bytes: int) -> StreamEditor:
        """Return an editor for one stream."""
        ...


def decode_members(body: bytes) -> Members:
    """Return the members of a JSON object. Raises UpstreamBroken for anything else."""
    try:
        return _MEMBERS.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise UpstreamBroken("the provider's answer is not a JSON object") from err


def encode_member(value: Any) -> msgspec.Raw:
    """Return a value as a member's bytes."""
    return msgspec.Raw(msgspec.json.encode(value))
