"""Starts a process, stops it, and changes its configuration while it serves."""

import asyncio
import gc
import logging
import os
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Final

from gatewayz.config.env import environment
from gatewayz.config.key_variables import key_variables
from gatewayz.config.load import Loaded
from gatewayz.config.plan import save_applied
from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.config.promotions import check_promotions
from gatewayz.config.secret_values import secret_values
from gatewayz.config.settings import Settings
from gatewayz.config.watch import Watch
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.retry_budget import RetryBudget
from gatewayz.domain.catalog.build import Skipped
from gatewayz.domain.error_patterns.fixes import Fixes
from gatewayz.domain.identity.named_admin import promote_named_admin
from gatewayz.flow.edition import Background
from gatewayz.flow.gateway import Gateway
from gatewayz.lifecycle.editions import make_edition
from gatewayz.lifecycle.jobs import Jobs
from gatewayz.lifecycle.parts import Parts
from gatewayz.lifecycle.services import services_of
from gatewayz.loader.instances import Instances
from gatewayz.loader.lifecycle import contexts, open_instances
from gatewayz.sdk.clock import Clock, SystemClock
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.store.open import open_store
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.telemetry.redact import know_secrets
from gatewayz.telemetry.tracing.outgoing import TracingClient
from gatewayz.web.exchange import KeepAlive
from gatewayz.web.services import Services

__all__ = ["Lifecycle"]

_log = logging.getLogger("gatewayz")
_DRAIN_S: Final = 10.0
_RESTART_KEYS: Final = (
    "server",
    "store",
    "keys",
    "data_dir",
    "usage_log",
    "analytics",
    "observation",
    "error_monitor",
    "status",
    "upstream",
    "tracing",
    "ledger",
    "notifications",
    "webhooks",
    "downtime",
)
"""Top-level keys that a running process cannot change."""


class Lifecycle:
    """One process. `start` raises with everything closed again; `stop` may be called once after it.

    :param overlay: name of the environment the configuration was loaded for, used again on reload.
    :param requests: what the endpoints answered.
    :param figures: folder in which workers tell each other their figures; None for a process that is alone.
    """

    def __init__(
        self,
        loaded: Loaded,
        gateway: Gateway,
        keep_alive: KeepAlive,
        overlay: str | None,
        *,
        requests: RequestRecord,
        figures: Path | None,
    ) -> None:
        self._loaded = loaded
        self._gateway = gateway
        self._keep_alive = keep_alive
        self._overlay = overlay
        know_secrets(secret_values(loaded.plain))
        self._clock = SystemClock()
        self._process = os.urandom(8).hex()
        self._requests = requests
        self._figures = figures
        self._stack = AsyncExitStack()
        self._instances: Instances | None = None
        self._background = Background()
        self._swapping = asyncio.Lock()
        self.watch = Watch(loaded, overlay=overlay, environ=environment, on_loaded=self.reload)

    @property
    def services(self) -> Services:
        """What endpoints may use, once started."""
        return self._services

    async def start(self) -> None:
        """Open store, keys, upstream client and plugins, and install the first edition."""
        settings = self._loaded.settings
        try:
            store = await open_store(settings.store)
            self._stack.push_async_callback(store.aclose)
            self._parts = parts = Parts(
                settings,
                store,
                self._gateway,
                self._clock,
                self._stack,
                process=self._process,
                requests=self._requests,
                figures=self._figures,
                catch_up=self._catch_up_with_lists,
            )
            self._services = services_of(parts, self._gateway)
            self._breakers = _breakers(settings, self._clock)
            self._retry_budget = RetryBudget(settings.failover.retry_budget, self._clock)
            await parts.exchange.round()
            await parts.catalogs.catch_up()
            await self._install(self._loaded)
            self._stack.push_async_callback(self._gateway.aclose)
            await promote_named_admin(store.roles, settings.access.admin_email, self._clock.now())
            jobs = Jobs(parts, settings, self._gateway, self._stack)
            jobs.run(self._keep_alive.run(), "keep streams alive")
            jobs.run(self.watch.run(), "watch the configuration")
            jobs.run_all()
            _calm_collector()
        except BaseException:  # cancellation too: let go, then raise again
            await self._stack.aclose()
            raise

    async def stop(self) -> None:
        """Finish what requests left to be done, then close everything in reverse order."""
        await self._background.drain(_DRAIN_S)
        await self._stack.aclose()

    async def reload(self, loaded: Loaded) -> None:
        """Swap to a new configuration. Raises ConfigurationInvalid when it cannot be used: the old one goes on."""
        know_secrets(secret_values(loaded.plain))
        async with self._swapping:
            await self._install(loaded)
        for key in _RESTART_KEYS:
            if getattr(loaded.settings, key) != getattr(self._loaded.settings, key):
                _log.warning("a change of '%s' takes effect at the next start", key)
        self._loaded = loaded

    async def _catch_up_with_lists(self) -> None:
        """Use what providers list now, when that has changed: the edition in force gets another catalog."""
        async with self._swapping:
            if not await self._parts.catalogs.catch_up():
                return
            edition = self._gateway.edition
            capabilities = {name: provider.capabilities for name, provider in edition.providers.items()}
            catalog = await self._parts.catalogs.build(edition.settings, self._loaded.config_dir, capabilities)
            self._gateway.amend(replace(edition, catalog=catalog))
            gc.freeze()  # it lives long; see `_calm_collector`
        _log.info("serving %d models: providers list other ones", len(catalog.models()))

    async def _install(self, loaded: Loaded) -> None:
        settings, parts = loaded.settings, self._parts
        if problems := list(check_promotions(loaded)):
            raise ConfigurationInvalid(problems)
        http = parts.http if parts.tracing is None else TracingClient(parts.http)
        context_of = contexts(http, self._clock, parts.data_dir, parts.ledger, parts.health.targets)
        instances = await open_instances(loaded, context_of, previous=self._instances)
        skipped: list[Skipped] = []
        try:
            if settings.response_cache.enabled:  # before it serves, or what was cleared could be found
                await parts.response_cache.refresh()
            edition = await make_edition(
                loaded,
                instances,
                parts,
                breakers=self._breakers_for(settings),
                retry_budget=self._retry_budget,
                background=self._background,
                skipped=skipped,
            )
        except BaseException as err:  # whatever it is, nothing that was opened here stays open
            await instances.aclose()
            if isinstance(err, ConfigurationError):
                raise ConfigurationInvalid([loaded.problem((), err.message)]) from err
            raise
        self._breakers = edition.breakers
        self._breakers.know(instances.providers)
        self._retry_budget.configure(settings.failover.retry_budget)
        parts.velocity.configure(settings.limits.velocity)
        parts.errors.fixes = Fixes(settings.error_fixes, key_variables(loaded.tree))
        if edition.answers is None:
            parts.response_cache.forget()
        self._instances = instances
        self._gateway.install(edition, instances.aclose)
        await asyncio.to_thread(save_applied, loaded, parts.data_dir)
        _log.info(
            "serving %d models of %d providers (%d models left out)",
            len(edition.catalog.models()),
            len(instances.providers),
            sum(each.provider is None for each in skipped),
        )

    def _breakers_for(self, settings: Settings) -> Breakers:
        """Return those in force, or new ones where their rules have changed."""
        if settings.breakers == self._loaded.settings.breakers:
            return self._breakers
        return _breakers(settings, self._clock)


def _breakers(settings: Settings, clock: Clock) -> Breakers:
    """Return breakers whose probes may take as long as a call may take to answer."""
    limits = settings.timeouts
    return Breakers(settings.breakers, clock, probe_s=limits.connect_s + limits.first_byte_s + 30.0)


def _calm_collector() -> None:
    """Take what lives as long as the process out of the garbage collector's rounds.

    Catalog, settings and code are many objects that never die; walking them on every full collection
    cost a tenth of the throughput.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)
