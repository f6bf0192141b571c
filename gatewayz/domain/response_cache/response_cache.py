"""Finds and keeps answers, in this process or shared, and knows when all of them were cleared."""

from datetime import timedelta

import msgspec

from gatewayz.config.sections.caching import ResponseCache as Rules
from gatewayz.domain.response_cache.kept_answer import KeptAnswer
from gatewayz.domain.response_cache.memory import MemoryAnswers
from gatewayz.domain.response_cache.shared import SharedAnswers
from gatewayz.sdk.clock import Clock
from gatewayz.store.cache_records import CacheStore, CacheTotals

__all__ = ["ResponseCache", "ResponseCacheStats"]


class ResponseCacheStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures of this process."""

    hits: int
    misses: int
    kept: int
    entries: int
    size_bytes: int
    failures: int
    """Of Redis."""


class ResponseCache:
    """Lives as long as its process; what it may do follows from the rules it is handed.

    :param shared: where processes keep answers together; None keeps them in this one.
    """

    def __init__(self, store: CacheStore, clock: Clock, shared: SharedAnswers | None = None) -> None:
        self._store = store
        self._clock = clock
        self._shared = shared
        self._local = MemoryAnswers()
        self.generation = 0
        """Part of every key: answers of an earlier one are never found again."""
        self._hits = self._misses = self._kept = 0

    async def find(self, key: bytes, rules: Rules, max_age_s: float | None = None) -> KeptAnswer | None:
        """Return a kept answer that is young enough; never raises."""
        age_s = rules.ttl_s if max_age_s is None else min(rules.ttl_s, max_age_s)
        oldest = self._clock.now() - timedelta(seconds=age_s)
        if self._shared is None:
            return self._local.find(key, oldest)
        found = await self._shared.find(key, rules.retry_s)
        return None if found is None or found.made_at <= oldest else found

    async def keep(self, key: bytes, answer: KeptAnswer, rules: Rules) -> None:
        """Keep an answer; never raises."""
        self._kept += 1
        if self._shared is None:
            self._local.keep(key, answer, max_entries=rules.max_entries, max_bytes=rules.max_bytes)
        else:
            await self._shared.keep(key, answer, rules.ttl_s, rules.retry_s)

    def count(self, *, is_hit: bool) -> None:
        """Count a call that asked."""
        self._hits += is_hit
        self._misses += not is_hit

    async def clear(self) -> None:
        """Clear it in every process; others notice within seconds. Raises StoreUnavailable."""
        self._move_to(await self._store.clear())

    async def refresh(self) -> None:
        """Notice that it was cleared. Raises StoreUnavailable."""
        self._move_to(await self._store.generation())

    def forget(self) -> None:
        """Give back the memory of this process's answers: it is switched off."""
        self._local.clear()

    async def totals(self, *, user_id: int | None, days: int | None, models: int = 0) -> CacheTotals:
        """Return what calls found in the last days, or ever. Raises StoreUnavailable."""
        since = None if days is None else self._clock.now() - timedelta(days=days)
        return await self._store.totals(user_id=user_id, since=since, models=models)

    def stats(self) -> ResponseCacheStats:
        """Return the figures of this process."""
        return ResponseCacheStats(
            hits=self._hits,
            misses=self._misses,
            kept=self._kept,
            entries=len(self._local),
            size_bytes=self._local.size_bytes,
            failures=0 if self._shared is None else self._shared.failures,
        )

    def _move_to(self, generation: int) -> None:
        if generation != self.generation:
            self.generation = generation
            self._local.clear()
