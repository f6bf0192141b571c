"""A wire format seen from a provider: pure functions between bytes and core values.

No function here does I/O or keeps state between calls; a stream is read by an `EventParser`
object that lives as long as the stream.
"""

from typing import Literal, Protocol

import msgspec

from gatewayz.sdk.chat import Completion, Event, ModelCall
from gatewayz.sdk.errors import UnsupportedFeature
from gatewayz.sdk.wire import Format

__all__ = ["EventParser", "Losses", "Rendered", "Unsupported", "UpstreamDialect"]

Unsupported = Literal["default", "reject", "drop"]
"""What happens to a parameter the upstream format cannot carry: `default` drops hints and rejects semantics."""


class Losses:
    """Collects what a rendering cannot carry, and refuses where the policy says so.

    A *hint* (seed, penalties, user) changes how an answer is made, *semantics* (tools, images,
    an output schema) what it means.
    """

    __slots__ = ("_names", "_policy")

    def __init__(self, policy: Unsupported = "default") -> None:
        self._policy = policy
        self._names: list[str] = []

    def hint(self, name: str) -> None:
        """Drop a hint. Raises UnsupportedFeature when the policy is `reject`."""
        self._lose(name, refuse=self._policy == "reject")

    def semantic(self, name: str) -> None:
        """Refuse what changes the meaning. Raises UnsupportedFeature unless the policy is `drop`."""
        self._lose(name, refuse=self._policy != "drop")

    def _lose(self, name: str, *, refuse: bool) -> None:
        if refuse:
            raise UnsupportedFeature(f"the provider's format has no way to carry '{name}'", param=name)
        if name not in self._names:
            self._names.append(name)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Names dropped so far, in order of discovery."""
        return tuple(self._names)


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """A request body ready to send, and what it leaves out."""

    body: bytes
    dropped: tuple[str, ...] = ()


class EventParser(Protocol):
    """Reads one stream, whatever the chunking: single bytes, split characters, CRLF, comments."""

    def feed(self, data: bytes) -> list[Event]:
        """Return the events completed by `data`.

        Raises UpstreamError (the class its own error table says) on an error event inside the
        stream, UpstreamBroken on bytes that are not of the format.
        """
        ...

    def finish(self) -> list[Event]:
        """Return what the end of the connection completes. Raises UpstreamBroken when the stream ended early."""
        ...


class UpstreamDialect(Protocol):
    """The half of a format that a provider needs."""

    format: Format

    def render_call(self, call: ModelCall, *, model: str, losses: Losses) -> Rendered:
        """Return the request body for the provider's id `model`. Raises UnsupportedFeature by way of `losses`."""
        ...

    def parse_completion(self, body: bytes) -> Completion:
        """Return a whole answer. Raises UpstreamBroken when it is not of the format, UpstreamError for an error."""
        ...

    def event_parser(self) -> EventParser:
        """Return a reader for one stream."""
        ...
