"""Asks providers for their model lists, and keeps what they say. Source: spec 07 §6.

A list that cannot be read leaves the last good one as it is.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from time import perf_counter
from typing import Final, Protocol

from gatewayz.config.settings import Settings
from gatewayz.domain.catalog_sync.judge import summary
from gatewayz.domain.catalog_sync.source import CatalogSource
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import UpstreamBroken, UpstreamError
from gatewayz.sdk.interfaces import Provider
from gatewayz.store.catalog_records import Kind, ListedModel, ProviderList

__all__ = ["CatalogStore", "CatalogSync", "syncable"]

_log = logging.getLogger("gatewayz.catalog")
LIST_TIMEOUT_S: Final = 30.0


class CatalogStore(Protocol):
    """What is kept. Every method raises StoreUnavailable."""

    async def lists(self) -> Sequence[ProviderList]:
        """Return how it stands with each provider that was ever asked."""
        ...

    async def keep_list(self, found: ProviderList, models: Sequence[ListedModel], *, gone_after: int) -> int:
        """Keep a list that was read well; return how many rows changed."""
        ...

    async def note_failure(self, provider: str, at: datetime, error: str, duration_s: float) -> None:
        """Note that a list could not be read."""
        ...

    async def begin_run(self, kind: Kind, at: datetime, providers: int) -> int:
        """Note that a run begins; return its id."""
        ...

    async def note_progress(self, run_id: int, *, failed: bool, changed: int) -> None:
        """Count a provider that was asked."""
        ...

    async def end_run(self, run_id: int, at: datetime, error: str | None) -> None:
        """Note that a run has ended."""
        ...


def syncable(settings: Settings) -> list[str]:
    """Return the providers whose lists may be followed, configured or not, by name (spec 00 §7: 33 of them)."""
    return sorted(name for name, entry in settings.providers.items() if entry.display and entry.display.is_syncable)


class CatalogSync:
    """Asks providers.

    :param providers: the instances that are on.
    :param settings: those in force.
    """

    def __init__(
        self,
        store: CatalogStore,
        source: CatalogSource,
        clock: Clock,
        *,
        providers: Callable[[], Mapping[str, Provider]],
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._source = source
        self._clock = clock
        self._providers = providers
        self._settings = settings

    def asked(self) -> list[str]:
        """Return the providers that are on and may be asked, by name."""
        on, entries = self._providers(), self._settings().providers
        return sorted(
            name for name in on if name in entries and (display := entries[name].display) and display.is_syncable
        )

    async def due(self) -> list[str]:
        """Return those whose list is older than the interval, or that failed some time ago."""
        rules, now = self._settings().catalog_sync, self._clock.now()
        last = {each.provider: each for each in await self._store.lists()}

        def is_due(name: str) -> bool:
            found = last.get(name)
            if found is None:
                return True
            pause_s = rules.interval_s if found.last_error is None else rules.retry_s
            return now - found.last_run_at >= timedelta(seconds=pause_s)

        return [name for name in self.asked() if is_due(name)]

    async def run(self, kind: Kind, names: Sequence[str], use: Callable[[], Awaitable[None]]) -> int:
        """Ask these providers, some at once; return how many rows changed. Raises StoreUnavailable.

        :param use: makes this process serve what was listed; the run has ended only after it.
        """
        run_id = await self._store.begin_run(kind, self._clock.now(), len(names))
        at_once = asyncio.Semaphore(self._settings().catalog_sync.concurrency)
        error: str | None = "stopped before its end"
        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(self._ask_in_run(run_id, name, at_once)) for name in names]
            changed = sum(task.result() for task in tasks)
            await use()
            error = None
        except ExceptionGroup as failed:  # the store went away: the group has no more to say than its first member
            error = str(failed.exceptions[0])
            raise failed.exceptions[0] from None
        finally:
            await self._store.end_run(run_id, self._clock.now(), error)
        return changed

    async def look(self, name: str) -> tuple[ProviderList, list[ListedModel]]:
        """Read and judge a provider's list, keeping nothing. Raises UpstreamError."""
        provider, settings = self._providers()[name], self._settings()
        display = settings.providers[name].display
        started, at = perf_counter(), self._clock.now()
        try:
            async with asyncio.timeout(display.list_timeout_s if display else LIST_TIMEOUT_S):
                listings = await provider.list_models()
        except TimeoutError as err:
            raise UpstreamBroken("its model list did not come in time") from err
        judge = await asyncio.to_thread(self._source.judge, name, settings, provider.capabilities)
        models = await asyncio.to_thread(judge.judge, listings)
        return summary(name, models, at, perf_counter() - started), models

    async def _had_models(self, name: str) -> bool:
        return any(each.provider == name and each.listed for each in await self._store.lists())

    async def _ask_in_run(self, run_id: int, name: str, at_once: asyncio.Semaphore) -> int:
        async with at_once:
            changed = await self._ask(name)
        await self._store.note_progress(run_id, failed=changed is None, changed=changed or 0)
        return changed or 0

    async def _ask(self, name: str) -> int | None:
        """Ask one provider; return how many rows changed, None when its list could not be read."""
        started, at = perf_counter(), self._clock.now()
        try:
            found, models = await self.look(name)
            if not models and await self._had_models(name):
                raise UpstreamBroken("its model list is empty")
        except (UpstreamError, KeyError) as err:  # KeyError: a reload has taken the provider away
            message = err.message if isinstance(err, UpstreamError) else "it is no longer configured"
            _log.warning("the model list of '%s' could not be read: %s", name, message)
            await self._store.note_failure(name, at, message, perf_counter() - started)
            return None
        gone_after = self._settings().catalog_sync.gone_after
        return await self._store.keep_list(found, models, gone_after=gone_after)
