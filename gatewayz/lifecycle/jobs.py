"""What goes on as long as a process lives, request or not."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, Final

from gatewayz.config.settings import Settings
from gatewayz.flow.gateway import Gateway
from gatewayz.jobs.periodic import Periodic
from gatewayz.lifecycle.parts import Parts

__all__ = ["Jobs"]

_log = logging.getLogger("gatewayz")
_READ_CLEARS_S: Final = 2.0


class Jobs:
    """Jobs of one process, of what lives as long as it.

    :param stack: what stops them.
    """

    def __init__(self, parts: Parts, settings: Settings, gateway: Gateway, stack: AsyncExitStack) -> None:
        self._parts = parts
        self._settings = settings
        self._gateway = gateway
        self._stack = stack

    def run_all(self) -> None:
        """Start what the parts do on a clock, and for as long as they live."""
        parts = self._parts
        self.run(parts.keys.follow(), "follow key changes")
        self.run(parts.sweeper.run(), "look after the ledger")
        self.run(parts.inbox.run(), "process payment events")
        self.run(parts.idempotency.run(), "forget expired request ids")
        self.run(parts.allowlist.run(), "read the allowlist of addresses")
        self.run(parts.maintenance.run(), "read announcements of maintenance")
        self.run(parts.promotions.grants.run(), "book promised credit")
        self.run(parts.observation.run(), "count what is observed")
        self.run(parts.exchange.run(), parts.exchange.name)
        if parts.share_figures is not None:
            self.run(parts.share_figures.run(), parts.share_figures.name)
        self.run(parts.roll_up.periodic().run(), parts.roll_up.name)
        self.run(parts.downtime.periodic().run(), "give signs of life")
        self.run(parts.health_checks.periodic().run(), "look after health checks")
        self.run(parts.events.run(), "write analytics events")
        self.run(parts.prune_events.periodic().run(), parts.prune_events.name)
        for job in (*parts.incident_jobs, *parts.batch_jobs):
            self.run(job.run(), job.name)
        if parts.errors.is_enabled:
            self.run(parts.exchange_errors.run(), parts.exchange_errors.name)
            self.run(parts.prune_errors.run(), parts.prune_errors.name)
        if self._settings.notifications.enabled:
            self.run(parts.tell.periodic().run(), parts.tell.name)
        self.run(parts.prune_deliveries.run(), parts.prune_deliveries.name)
        if self._settings.webhooks.enabled:
            for job in parts.webhook_jobs:
                self.run(job.run(), job.name)
        for name, work in parts.record_jobs:
            self.run(work.run(), name)
        rules = self._settings.catalog_sync
        clears = Periodic("follow clears of the response cache", self._follow_clears, every_s=_READ_CLEARS_S)
        follow = Periodic("follow changes of model lists", parts.catch_up, every_s=rules.poll_s)
        ask = parts.catalog_sync.periodic(rules.interval_s)
        for job in (clears, follow, ask):
            self.run(job.run(), job.name)
        redis_url = self._settings.store.redis_url
        if redis_url:
            self.run(self._share_breakers(redis_url), "share breaker states")
            self.run(self._share_observation(redis_url), "share observations")
            self.run(self._share_velocity(redis_url), "share the velocity mode")

    async def _follow_clears(self) -> None:
        if self._gateway.edition.answers is not None:
            await self._parts.response_cache.refresh()

    async def _share_breakers(self, redis_url: str) -> None:
        from gatewayz.domain.breakers.share import BreakerShare  # noqa: PLC0415  (loaded only where Redis is configured)
        from gatewayz.store.redis import open_redis  # noqa: PLC0415  (likewise)

        redis = open_redis(redis_url)
        period_s = self._settings.breakers.share_s
        share = BreakerShare(
            lambda: self._gateway.edition.breakers,
            redis,
            self._parts.clock,
            process=os.urandom(8).hex(),
            period_s=period_s,
        )
        try:
            await share.run()
        finally:
            await redis.aclose()

    async def _share_velocity(self, redis_url: str) -> None:
        from gatewayz.domain.limits.shared_velocity import VelocityShare  # noqa: PLC0415  (likewise)
        from gatewayz.store.redis import open_redis  # noqa: PLC0415  (likewise)

        redis = open_redis(redis_url)
        try:
            await VelocityShare(self._parts.velocity, redis).run()
        finally:
            await redis.aclose()

    async def _share_observation(self, redis_url: str) -> None:
        from gatewayz.store.redis import open_redis  # noqa: PLC0415  (loaded only where Redis is configured)

        redis = open_redis(redis_url)
        try:
            await self._parts.observation.share(redis, self._settings.observation.share_s)
        finally:
            await redis.aclose()

    def run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Start a job; it is stopped when the stack is closed."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._stack.push_async_callback(_cancel, task)


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the job '%s' ended with an error", task.get_name(), exc_info=error)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):  # reported by `_report_end` already
        await task
