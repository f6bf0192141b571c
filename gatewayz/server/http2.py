"""HTTP/2 by Hypercorn, with a bound on requests that are taken back: each costs the server work and its client nothing.

Source: CVE-2023-44487 (rapid reset); Hypercorn 0.18 counts requests of a connection, not resets.
"""

import hypercorn.protocol
from h2.errors import ErrorCodes
from h2.events import Event, StreamReset
from hypercorn.events import Closed
from hypercorn.protocol.h2 import H2Protocol

__all__ = ["RESETS", "BoundedH2Protocol", "use_bounded_http2"]

RESETS = 100
"""Requests that a client may take back on one connection."""


class BoundedH2Protocol(H2Protocol):
    """Says GOAWAY to who takes back too many requests."""

    _resets = 0

    async def _handle_events(self, events: list[Event]) -> None:
        self._resets += sum(isinstance(event, StreamReset) for event in events)
        if self._resets <= RESETS:
            await super()._handle_events(events)
            return
        self.connection.close_connection(error_code=ErrorCodes.ENHANCE_YOUR_CALM)
        await self._flush()
        await self.send(Closed())


def use_bounded_http2() -> None:
    """Have Hypercorn speak it; there is no setting for that."""
    hypercorn.protocol.H2Protocol = BoundedH2Protocol  # type: ignore[attr-defined]
