"""Names for ASGI's shapes, and the pieces of a raw ASGI answer."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

__all__ = ["ASGI", "HeaderList", "Receive", "Scope", "Send"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
ASGI = Callable[[Scope, Receive, Send], Awaitable[None]]
HeaderList = list[tuple[bytes, bytes]]
