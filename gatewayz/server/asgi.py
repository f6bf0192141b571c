"""The words of ASGI 3 as this server speaks them, and what it adds.

Added to the specification: `scope["extensions"]["gatewayz.hangup"]` is a `Hangup`, so that an
application learns that its client left without keeping a task waiting in `receive()`.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, Protocol, TypeAlias

__all__ = ["ASGI3", "HANGUP", "ClientDisconnected", "Hangup", "Message", "RawHeaders", "Receive", "Scope", "Send"]

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
ASGI3: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
RawHeaders: TypeAlias = list[tuple[bytes, bytes]]

HANGUP: Final = "gatewayz.hangup"
"""Name of the extension that holds the `Hangup`."""


class ClientDisconnected(ConnectionError):
    """The client is gone, or has refused to read for too long: nothing more can be sent."""


class Hangup(Protocol):
    """Tells one subscriber that the client's connection was lost before the answer was complete."""

    def subscribe(self, callback: Callable[[], None]) -> None:
        """Call `callback` once, on the loop, when the client is lost; at once when it already is."""
        ...

    def unsubscribe(self) -> None:
        """Forget the callback; safe to call at any time."""
        ...
