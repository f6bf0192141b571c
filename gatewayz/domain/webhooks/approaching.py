"""`rate_limit.approaching`: who has used four fifths of a window is told, once a window.

Nothing waits for it: the inference path looks at what the limiter answered anyway and leaves a note
in memory; a job writes the notes down. A process that dies loses those of its last second.
"""

import logging
from datetime import UTC, datetime
from typing import Any, Final

from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.bounds import Bound
from gatewayz.domain.limits.limiter import Lease
from gatewayz.domain.webhooks.webhooks import Webhooks
from gatewayz.store.webhook_records import WebhookStore

__all__ = ["Approaching"]

_TYPE: Final = "rate_limit.approaching"
_LEFT: Final = 5
"""A fifth or less is left."""
_KEPT: Final = 10_000

_log = logging.getLogger("gatewayz.webhooks")


class Approaching:
    """`observe` is given what was taken of limits; `round` and `learn` are jobs'."""

    def __init__(self, store: WebhookStore, webhooks: Webhooks) -> None:
        self._store = store
        self._webhooks = webhooks
        self._listeners: frozenset[int] = frozenset()
        self._told: dict[str, int] = {}
        """Key of a bound to when its window was last noted."""
        self._notes: list[tuple[int, dict[str, Any], str]] = []

    def observe(self, caller: Caller, lease: Lease) -> None:
        """Note what is nearly used up. Never raises, never waits."""
        user_id = caller.user_id
        if user_id is None or user_id not in self._listeners:
            return
        granted = lease.granted
        for bound, left, reset_ms in zip(lease.bounds, granted.remaining, granted.reset_ms, strict=True):
            if bound.kind == "window" and left * _LEFT <= bound.limit and self._is_news(bound, granted.at_ms):
                self._note(user_id, _facts(caller, bound, left, granted.at_ms + reset_ms), bound, granted.at_ms)

    async def learn(self) -> None:
        """Learn who listens. Raises StoreUnavailable."""
        self._listeners = await self._store.list_listeners(_TYPE)

    async def round(self) -> int:
        """Write the notes down; return how many events. Raises StoreUnavailable."""
        told = 0
        while self._notes:
            user_id, data, source = self._notes[0]
            told += await self._webhooks.emit(user_id, _TYPE, data, source=source)
            del self._notes[0]
        return told

    def _note(self, user_id: int, data: dict[str, Any], bound: Bound, at_ms: int) -> None:
        if len(self._notes) >= _KEPT:
            _log.warning("a note of a limit was dropped: %d wait to be written", _KEPT)
            return
        if len(self._told) >= _KEPT:
            self._told.clear()
        self._told[bound.key] = at_ms
        # Two processes that notice in one window say the same.
        self._notes.append((user_id, data, f"limit {bound.key} {at_ms // bound.period_ms}"))

    def _is_news(self, bound: Bound, at_ms: int) -> bool:
        told_ms = self._told.get(bound.key)
        if told_ms is None:
            return True
        if bound.slots == 1:  # begins with the clock's period, not with what was taken first
            return told_ms // bound.period_ms != at_ms // bound.period_ms
        return at_ms - told_ms >= bound.period_ms


def _facts(caller: Caller, bound: Bound, left: int, frees_ms: int) -> dict[str, Any]:
    """Return what is told of a window."""
    return {
        "key_id": caller.key_id,
        "limit_type": bound.name,
        "limit": bound.limit,
        "used": bound.limit - max(0, left),
        "remaining": max(0, left),
        "window_seconds": bound.period_ms / 1000,
        "frees_at": datetime.fromtimestamp(frees_ms / 1000, UTC),
    }
