"""The running gateway: which edition new requests get, and when an old one may be closed."""

import logging
from collections.abc import Awaitable, Callable

from gatewayz.flow.edition import Edition

__all__ = ["Gateway", "Lease"]

_log = logging.getLogger("gatewayz.flow")

Close = Callable[[], Awaitable[None]]


class Lease:
    """One edition in use; closed when it is retired and its last request has ended."""

    __slots__ = ("_close", "edition", "in_flight", "is_retired")

    def __init__(self, edition: Edition, close: Close) -> None:
        self.edition = edition
        self.in_flight = 0
        self.is_retired = False
        self._close = close

    def release(self) -> None:
        """One request has ended."""
        self.in_flight -= 1
        if self.is_retired and not self.in_flight:
            self.edition.background.spawn(self._close_edition())

    def retire(self) -> None:
        """No new request gets this edition."""
        self.is_retired = True
        if not self.in_flight:
            self.edition.background.spawn(self._close_edition())

    async def close(self) -> None:
        """Let go of everything the edition has opened."""
        await self._close()

    async def _close_edition(self) -> None:
        await self._close()
        _log.info("the former configuration has served its last request")


class Gateway:
    """Holds the current edition; swapping is one assignment."""

    def __init__(self) -> None:
        self._current: Lease | None = None

    @property
    def edition(self) -> Edition:
        """The current edition. Raises RuntimeError before the first one is installed."""
        return self._lease().edition

    def acquire(self) -> Lease:
        """Return the current edition for one request, to be released at its end."""
        lease = self._lease()
        lease.in_flight += 1
        return lease

    def install(self, edition: Edition, close: Close) -> None:
        """Make `edition` current; the one before is closed after its last request."""
        before, self._current = self._current, Lease(edition, close)
        if before is not None:
            before.retire()

    def amend(self, edition: Edition) -> None:
        """Give new requests another edition over what the current one has opened; requests under way keep theirs."""
        self._lease().edition = edition

    async def aclose(self) -> None:
        """Close the current edition, at shutdown."""
        if self._current is not None:
            await self._current.close()
            self._current = None

    def _lease(self) -> Lease:
        if self._current is None:
            raise RuntimeError("the gateway has not started")
        return self._current
