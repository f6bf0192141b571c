"""Which applications call most, counted from the usage log at most once a minute. Source: spec 02 §2 (4.7)."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import msgspec

from gatewayz.sdk.clock import Clock
from gatewayz.store.usage_records import UsageApp

__all__ = ["AppRanking", "AppUse", "AppUses"]

_PERIOD: Final = timedelta(days=7)
_KEPT_S: Final = 60.0
_MOST: Final = 1_000


class AppUse(msgspec.Struct, frozen=True, kw_only=True):
    """An application in the last seven days."""

    app: UsageApp
    before: int
    """Tokens of the seven days before these."""


class AppUses(Protocol):
    """The usage log, as far as it is read here. Raises StoreUnavailable."""

    async def apps(self, since: datetime, until: datetime, *, limit: int) -> Sequence[UsageApp]:
        """Return the applications of answered calls, most tokens first."""
        ...


class AppRanking:
    """The first thousand; whoever asks while they are counted waits for that."""

    def __init__(self, store: AppUses, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._counting = asyncio.Lock()
        self._counted: tuple[float, Sequence[AppUse]] | None = None

    async def top(self) -> Sequence[AppUse]:
        """Return the applications by tokens. Raises StoreUnavailable."""
        async with self._counting:
            if self._counted is None or self._clock.monotonic() - self._counted[0] >= _KEPT_S:
                self._counted = (self._clock.monotonic(), await self._count())
            return self._counted[1]

    async def _count(self) -> list[AppUse]:
        now = self._clock.now()
        current = await self._store.apps(now - _PERIOD, now + timedelta(seconds=1), limit=_MOST)
        earlier = await self._store.apps(now - 2 * _PERIOD, now - _PERIOD, limit=_MOST)
        before = {app.url or app.name: app.tokens for app in earlier}
        return [AppUse(app=app, before=before.get(app.url or app.name, 0)) for app in current]
