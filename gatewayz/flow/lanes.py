"""Two ways to one offer: the caller's bytes straight through, or translated by way of core values.

A lane is open once the provider has begun to answer well: a whole answer has arrived, or the first
content of a stream. Until then an error may be answered by another offer, afterwards not.
"""

import logging
from collections.abc import AsyncIterator
from typing import Final, Protocol

import msgspec

from gatewayz.dialects.caller import CallerDialect, EventRenderer, GatewayUsage
from gatewayz.dialects.passthrough.contract import Passthrough, StreamEditor, WholeReply
from gatewayz.flow.values import ParsedCall
from gatewayz.sdk.chat import (
    ChoiceFinished,
    Completion,
    Event,
    ModelCall,
    ReasoningDelta,
    RefusalDelta,
    StreamStarted,
    Text,
    TextDelta,
    ToolArgumentsDelta,
    ToolUse,
    ToolUseStarted,
    UsageReported,
)
from gatewayz.sdk.errors import GatewayzError, UpstreamBroken, UpstreamError
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import HttpReply

__all__ = [
    "EVENT_STREAM",
    "JSON",
    "Identity",
    "OpenStream",
    "TranslatedStream",
    "TranslatedWhole",
    "WholeAnswer",
    "WireStream",
    "WireWhole",
]


JSON: Final = b"application/json"
EVENT_STREAM: Final = b"text/event-stream; charset=utf-8"
_log = logging.getLogger("gatewayz.flow")
_LAST_BYTES_S: Final = 0.25
_LAST_READS: Final = 4
"""How long, and in how many pieces, the end of a body may come after the format's own end."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What names an answer whose provider gives it no name: some formats have no id, model or time."""

    id: str
    model: str
    """Canonical id, whatever the provider calls it."""
    created: int


class WholeAnswer(Protocol):
    """An answer that has arrived."""

    content_type: bytes

    usage: Usage | None
    """None: the provider did not say."""
    dropped: tuple[str, ...]

    def text(self) -> str:
        """What was delivered, for counting."""
        ...

    def render(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """The body for the caller; `usage` is what was charged, the provider's count or an estimate."""
        ...


class OpenStream(Protocol):
    """A stream whose first content has arrived."""

    content_type: bytes
    dropped: tuple[str, ...]

    @property
    def usage(self) -> Usage | None:
        """The provider's count so far."""
        ...

    @property
    def characters(self) -> int:
        """Length of the text delivered so far."""
        ...

    def text(self) -> str:
        """The text delivered so far."""
        ...

    async def next(self) -> bytes:
        """Return the next whole events, empty at a good end. Raises UpstreamError."""
        ...

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return what ends a good stream."""
        ...

    def fail(self, error: GatewayzError) -> bytes:
        """Return what ends a broken stream."""
        ...

    async def release(self) -> None:
        """Let the upstream go after a good end, giving it a moment to end properly so that its connection is kept."""
        ...

    async def aclose(self) -> None:
        """Let the upstream go, at once."""
        ...


class WireWhole:
    """A whole answer in the caller's own format."""

    content_type = JSON
    dropped: tuple[str, ...] = ()

    def __init__(self, passthrough: Passthrough, body: bytes, call: ParsedCall, model: str) -> None:
        self._passthrough = passthrough
        self._body = body
        self._call = call
        self._model = model
        self._reply: WholeReply = passthrough.read_whole(body)
        self.usage = self._reply.usage

    def text(self) -> str:
        """What was delivered, for counting."""
        return self._passthrough.delivered_text(self._body)

    def render(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """The provider's members, with the gateway's own."""
        return self._passthrough.render_whole(
            self._reply, request=self._call.head.fields, model=self._model, gateway_usage=gateway_usage
        )


class TranslatedWhole:
    """A whole answer that was translated."""

    content_type = JSON

    def __init__(self, dialect: CallerDialect, call: ModelCall, completion: Completion, identity: "Identity") -> None:
        self._dialect = dialect
        self._call = call
        self._completion = msgspec.structs.replace(
            completion,
            model=identity.model,
            id=completion.id or identity.id,
            created=completion.created or identity.created,
        )
        self.usage: Usage | None = completion.usage
        self.dropped = completion.dropped

    def text(self) -> str:
        """What was delivered, for counting."""
        parts = [part for choice in self._completion.choices for part in choice.parts]
        return "".join(
            part.text if isinstance(part, Text) else part.name + part.arguments if isinstance(part, ToolUse) else ""
            for part in parts
        )

    def render(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """The completion in the caller's format."""
        completion = msgspec.structs.replace(self._completion, usage=usage)
        return self._dialect.render_completion(completion, call=self._call, gateway_usage=gateway_usage)


class WireStream:
    """A stream in the caller's own format; `open` reads up to its first content."""

    content_type = EVENT_STREAM
    dropped: tuple[str, ...] = ()

    def __init__(self, reply: HttpReply, editor: StreamEditor) -> None:
        self._reply = reply
        self._editor = editor
        self._first = b""
        self._ended = False

    async def open(self) -> None:
        """Read until content has come. Raises UpstreamError; the reply is closed then."""
        try:
            while not self._first and not self._ended:
                self._first = await self._read()
        except BaseException:  # cancellation too: let go, then raise again
            self._reply.close()
            raise

    @property
    def usage(self) -> Usage | None:
        """The provider's count so far."""
        return self._editor.usage

    @property
    def characters(self) -> int:
        """Length of the text delivered so far."""
        return self._editor.delivered.characters

    def text(self) -> str:
        """The text delivered so far."""
        return self._editor.delivered.text()

    async def next(self) -> bytes:
        """Return the next whole events. See `OpenStream.next`."""
        if self._first:
            first, self._first = self._first, b""
            return first
        while not self._ended:
            if block := await self._read():
                return block
        return b""

    async def _read(self) -> bytes:
        data = await self._reply.read()
        if data:
            block = self._editor.feed(data)
            self._ended = self._editor.terminated
            return block
        self._ended = True
        return self._editor.end()

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return what ends a good stream."""
        return self._editor.finish(usage, gateway_usage)

    def fail(self, error: GatewayzError) -> bytes:
        """Return what ends a broken stream."""
        return self._editor.fail(error)

    async def release(self) -> None:
        """Let the upstream go after a good end. See `OpenStream.release`."""
        try:
            for _ in range(_LAST_READS):
                if not await self._reply.read(_LAST_BYTES_S):
                    break
        except UpstreamError as error:
            _log.debug("after a complete stream: %s", error.message)
        finally:
            self._reply.close()

    async def aclose(self) -> None:
        """Let the upstream go, at once."""
        self._reply.close()


class TranslatedStream:
    """A stream that is translated event by event; `open` reads up to its first content."""

    content_type = EVENT_STREAM

    def __init__(self, events: AsyncIterator[Event], renderer: EventRenderer, identity: Identity) -> None:
        self._events = events
        self._renderer = renderer
        self._identity = identity
        self._first = b""
        self._started = False
        self._finished = False
        self._text: list[str] = []
        self.dropped: tuple[str, ...] = ()
        self.usage: Usage | None = None
        self.characters = 0

    async def open(self) -> None:
        """Read until content has come. Raises UpstreamError; the upstream is let go then."""
        try:
            held: list[bytes] = []
            while not self._started:
                event = await anext(self._events, None)
                if event is None:
                    break
                held.append(self._take(event))
            if not self._started:
                raise UpstreamBroken("the provider's stream had no content")
            self._first = b"".join(held)
        except BaseException:  # cancellation too: let go, then raise again
            await self.aclose()
            raise

    def text(self) -> str:
        """The text delivered so far."""
        return "".join(self._text)

    async def next(self) -> bytes:
        """Return the next whole events. See `OpenStream.next`."""
        if self._first:
            first, self._first = self._first, b""
            return first
        while (event := await anext(self._events, None)) is not None:
            if block := self._take(event):
                return block
        if not self._finished:
            raise UpstreamBroken("the provider's stream ended early")
        return b""

    def _take(self, event: Event) -> bytes:
        match event:
            case UsageReported():
                self.usage = event.usage
            case StreamStarted():
                self.dropped = event.dropped
                event = self._named(event)
            case TextDelta() | ReasoningDelta() | RefusalDelta():
                self._deliver(event.text)
            case ToolUseStarted():
                self._deliver(event.name)
            case ToolArgumentsDelta():
                self._deliver(event.arguments)
            case ChoiceFinished():
                self._started = self._finished = True
            case _:
                pass  # log probabilities accompany text that has been counted
        return self._renderer.render(event)

    def _named(self, event: StreamStarted) -> StreamStarted:
        identity = self._identity
        return msgspec.structs.replace(
            event, id=event.id or identity.id, model=identity.model, created=event.created or identity.created
        )

    def _deliver(self, text: str) -> None:
        self._started = True
        self._text.append(text)
        self.characters += len(text)

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return what ends a good stream."""
        return self._renderer.finish(usage, gateway_usage)

    def fail(self, error: GatewayzError) -> bytes:
        """Return what ends a broken stream."""
        return self._renderer.fail(error)

    async def release(self) -> None:
        """Let the upstream go: the provider has read it to its end."""
        await self.aclose()

    async def aclose(self) -> None:
        """Let the upstream go, at once."""
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()
