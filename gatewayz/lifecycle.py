"""What a process opens, in order, and closes in reverse; and how it changes its configuration while it serves."""

import asyncio
import contextlib
import gc
import logging
import os
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gatewayz.config.env import environment
from gatewayz.config.key_variables import key_variables
from gatewayz.config.load import Loaded
from gatewayz.config.plan import save_applied
from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.config.promotions import check_promotions
from gatewayz.config.secret_values import secret_values
from gatewayz.config.sections.health import HealthEntry
from gatewayz.config.sections.money import UsageLog as UsageLogRules
from gatewayz.config.settings import Settings
from gatewayz.config.watch import Watch
from gatewayz.dialects.formats import DIALECTS, PASSTHROUGHS, READERS
from gatewayz.domain.analytics.event_log import EventLog
from gatewayz.domain.batches.batches import Batches
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.retry_budget import RetryBudget
from gatewayz.domain.breakers.signals import RouteSignals
from gatewayz.domain.catalog.build import Skipped
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog_sync.source import CatalogSource
from gatewayz.domain.catalog_sync.sync import CatalogSync
from gatewayz.domain.conversations.conversations import Conversations
from gatewayz.domain.credits.adjustments import Adjustments
from gatewayz.domain.error_patterns.error_patterns import ErrorPatterns
from gatewayz.domain.error_patterns.fixes import Fixes
from gatewayz.domain.feedback.feedback import Feedbacks
from gatewayz.domain.files.files import Files
from gatewayz.domain.health.open import open_health
from gatewayz.domain.hub.hub import Hub
from gatewayz.domain.idempotency.idempotency import Idempotency
from gatewayz.domain.identity.accounts import Accounts
from gatewayz.domain.identity.authenticator import Authenticator
from gatewayz.domain.identity.key_files import load_vault
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.identity.named_admin import promote_named_admin
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.ledger.sweep import Sweeper
from gatewayz.domain.limits.allowlist import Allowlist
from gatewayz.domain.limits.key_quota import KeyQuota
from gatewayz.domain.limits.limits import Limits
from gatewayz.domain.limits.network import NetworkLimiter, Velocity
from gatewayz.domain.limits.open import open_limiter
from gatewayz.domain.mail import Mailer
from gatewayz.domain.maintenance.maintenance import Maintenance
from gatewayz.domain.notifications.notices import Notices
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.observation.roll_up import RollUp
from gatewayz.domain.payments.booking import PaymentBook
from gatewayz.domain.payments.inbox import PaymentInbox
from gatewayz.domain.plans.plans import Plans
from gatewayz.domain.promotions import open_promotions
from gatewayz.domain.response_cache.open import open_response_cache
from gatewayz.domain.routing.pools import Pools
from gatewayz.domain.sharing.sharing import Sharing
from gatewayz.domain.status.open import StatusParts, open_status
from gatewayz.domain.usage.apps import AppRanking
from gatewayz.domain.usage.key_uses import KeyUses
from gatewayz.domain.usage.retention import Retention
from gatewayz.domain.usage.token_counter import TokenCounter
from gatewayz.domain.usage.usage_log import UsageLog
from gatewayz.domain.webhooks.open import WebhookParts, open_webhooks
from gatewayz.flow.batches import PipelineCalls, open_batch_jobs, webhook_of
from gatewayz.flow.edition import Background, Edition
from gatewayz.flow.gateway import Gateway
from gatewayz.flow.observers import ObserverGroup
from gatewayz.jobs.catalog_sync import CatalogSyncJob
from gatewayz.jobs.downtime import open_downtime
from gatewayz.jobs.health_checks import HealthChecks
from gatewayz.jobs.leased import Leased
from gatewayz.jobs.periodic import Periodic
from gatewayz.loader.instances import Instances
from gatewayz.loader.lifecycle import contexts, open_instances
from gatewayz.sdk.clock import Clock, SystemClock
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.interfaces import HealthCheck
from gatewayz.sdk.outcomes import Opinion
from gatewayz.store.open import open_store
from gatewayz.telemetry.error_records import ErrorHandler
from gatewayz.telemetry.metrics.collect import Sources
from gatewayz.telemetry.metrics.metrics import Metrics
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.telemetry.metrics.worker_files import WorkerFiles
from gatewayz.telemetry.redact import know_secrets
from gatewayz.telemetry.tracing.open import open_tracing
from gatewayz.telemetry.tracing.outgoing import TracingClient
from gatewayz.upstream.client import make_client
from gatewayz.upstream.egress import EgressRules, Fetcher
from gatewayz.upstream.engine import Engine
from gatewayz.web.exchange import KeepAlive
from gatewayz.web.services import Services

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["Lifecycle"]

_log = logging.getLogger("gatewayz")
_DRAIN_S: Final = 10.0
_READ_INCIDENTS_S: Final = 3.0
_READ_CLEARS_S: Final = 2.0
_WEBHOOK_ANSWER_BYTES: Final = 64 * 1024
"""What a receiver may answer; it is read and thrown away."""
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
            self._data_dir = Path(settings.data_dir)
            store = await open_store(settings.store)
            self._stack.push_async_callback(store.aclose)
            self._store = store
            self._open_records(store, settings.usage_log)
            self._services = self._open_parts(store)
            self._breakers = _breakers(settings, self._clock)
            self._retry_budget = RetryBudget(settings.failover.retry_budget, self._clock)
            await self._exchange.round()
            await self._response_cache.refresh()
            await self._catalogs.catch_up()
            await self._install(self._loaded)
            self._stack.push_async_callback(self._gateway.aclose)
            await promote_named_admin(store.roles, settings.access.admin_email, self._clock.now())
            self._run_jobs()
            _calm_collector()
        except BaseException:  # cancellation too: let go, then raise again
            await self._stack.aclose()
            raise

    def _open_parts(self, store: "SqlStore") -> Services:
        """Open what lives as long as the process, in the order in which it is closed in reverse."""
        settings = self._loaded.settings
        self._tokens = TokenCounter()
        self._stack.push_async_callback(self._tokens.aclose)
        self._http = make_client(settings.upstream)
        self._stack.push_async_callback(self._http.aclose)
        self._tracing = open_tracing(settings.tracing)
        if self._tracing is not None:
            self._stack.push_async_callback(self._tracing.aclose)
        vault = load_vault(settings.keys, self._data_dir)
        self._open_catalog(store)
        self._open_ledger(store)
        self._promotions = open_promotions(store, self._ledger, self._clock)
        self._keys = Authenticator(
            store.identity,
            vault,
            self._clock,
            cache_entries=settings.keys.cache_entries,
            poll_s=settings.store.poll_changes_s,
        )
        self._stack.push_async_callback(self._keys.aclose)
        self._webhooks = self._open_webhooks(store, vault)
        self._limiter = open_limiter(settings, self._clock, self._stack)
        self._velocity = Velocity(settings.limits.velocity, self._clock)
        self._allowlist = Allowlist(store.allowlist, self._clock)
        self._maintenance = Maintenance(store.maintenance, self._clock)
        self._conversations = Conversations(store.conversations, store.conversation_search, self._clock)
        self._response_cache = open_response_cache(settings, store.response_cache, vault, self._clock, self._stack)
        self._inbox = self._open_inbox(store)
        self._open_health(store)
        self._idempotency = Idempotency(store.idempotency, self._clock)
        self._stack.push_async_callback(self._idempotency.aclose)
        metrics = self._open_metrics(store)
        status = self._open_status(store)
        notices = self._open_notices(store)
        self._open_batches(store)
        return self._gather(store, vault, metrics, status, notices)

    def _gather(
        self, store: "SqlStore", vault: KeyVault, metrics: Metrics, status: StatusParts, notices: Notices
    ) -> Services:
        """Return what endpoints may use of it."""
        return Services(
            clock=self._clock,
            store=store,
            accounts=Accounts(store.users, store.keys, vault, self._clock),
            authenticator=self._keys,
            mailer=self._mailer,
            notices=notices,
            webhooks=self._webhooks.service,
            ledger=self._ledger,
            inbox=self._inbox,
            limiter=self._limiter,
            velocity=self._velocity,
            allowlist=self._allowlist,
            adjustments=Adjustments(self._ledger, store.granted, store.journal, store.users, self._clock),
            hub=Hub(lambda: self._gateway.edition.hub),
            maintenance=self._maintenance,
            promotions=self._promotions,
            catalog_source=self._catalogs,
            catalog_sync=self._catalog_sync,
            conversations=self._conversations,
            files=self._files,
            batches=Batches(store.batches, self._files, self._clock, lambda: self._gateway.edition.settings.batches),
            feedback=Feedbacks(store.feedback, self._conversations, self._clock, [self._hear_opinion]),
            response_cache=self._response_cache,
            apps=AppRanking(store.usage_reports, self._clock),
            sharing=Sharing(store.shares, self._clock),
            observation=self._observation,
            events=self._events,
            errors=self._errors,
            incidents=status.incidents,
            status=status.page,
            requests=self._requests,
            metrics=metrics,
            vitals=self._health.vitals,
            pings=self._health.pings,
            readings=self._health.readings,
        )

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

    def _open_records(self, store: "SqlStore", rules: UsageLogRules) -> None:
        uses = KeyUses(store.identity, self._clock)
        self._key_quota = KeyQuota(store.identity, uses, self._clock)
        log = UsageLog(store.usage, self._clock, flush_s=rules.flush_s, max_pending=rules.max_pending)
        retention = Retention(store.usage, self._clock, keep_days=rules.keep_days)
        settings = self._loaded.settings.observation
        self._observation = Observation(self._clock, settings, store.observation, process=self._process)
        self._exchange = Periodic("keep observations", self._observation.exchange, every_s=settings.exchange_s)
        roll_up = RollUp(store.observation, self._clock, settings)
        self._roll_up = Leased(
            "sum up observations",
            roll_up.run_once,
            store.leases,
            self._clock,
            holder=self._process,
            every_s=60,
        )
        self._stack.push_async_callback(self._observation.aclose)
        self._usage_log = log
        own = (self._observation.record_settlement, uses.record)
        self._recorders = (*own, log.record) if rules.enabled else own
        self._record_jobs = (
            ("count key uses", uses),
            ("give back uses of keys", self._key_quota),
            ("write the usage log", log),
            ("prune the usage log", retention),
        )
        self._stack.push_async_callback(uses.aclose)
        self._stack.push_async_callback(self._key_quota.aclose)
        self._stack.push_async_callback(log.aclose)
        self._open_events(store)
        self._open_errors(store)

    def _open_metrics(self, store: "SqlStore") -> Metrics:
        sources = Sources(
            process=self._process,
            requests=self._requests,
            observation=self._observation,
            ledger=self._ledger,
            usage_log=self._usage_log,
            limiter=self._limiter,
            velocity=self._velocity,
            keys=self._keys,
            answers=self._response_cache,
            idempotency=self._idempotency,
            connections=self._http.stats if isinstance(self._http, Engine) else list,
            serving=lambda: self._gateway.edition,
        )
        files = None if self._figures is None else WorkerFiles(self._figures, self._process)
        metrics = Metrics(sources, self._clock, store.check, files)
        self._share_figures = Periodic("tell figures to other workers", metrics.share, every_s=1.0)
        return metrics

    def _open_notices(self, store: "SqlStore") -> Notices:
        self._mailer = Mailer(lambda: self._gateway.edition.mail)
        notices = Notices(store.notifications, store.users, self._ledger, self._mailer, self._clock)
        every_s = self._loaded.settings.notifications.check_s
        self._tell = Leased(
            "tell people", notices.send_due, store.leases, self._clock, holder=self._process, every_s=every_s
        )
        return notices

    def _open_webhooks(self, store: "SqlStore", vault: KeyVault) -> WebhookParts:
        rules = self._loaded.settings.webhooks
        allowed = EgressRules(
            schemes=("https", "http") if rules.allow_http else ("https",),
            allowed_networks=rules.allowed_networks,
            max_bytes=_WEBHOOK_ANSWER_BYTES,
            timeout_s=rules.timeout_s,
        )
        fetcher = Fetcher(allowed, ca_file=rules.ca_file)
        self._stack.push_async_callback(fetcher.aclose)
        parts = open_webhooks(
            rules,
            store.webhooks,
            vault,
            self._clock,
            check_url=fetcher.check,
            post=partial(fetcher.fetch, method="POST"),
        )
        self._stack.push_async_callback(parts.deliverer.aclose)
        watch = Leased(
            "look for events of webhooks",
            parts.watch.look,
            store.leases,
            self._clock,
            holder=self._process,
            every_s=rules.check_s,
        )
        self._webhook_jobs = (
            Periodic("deliver webhooks", parts.deliverer.rounds, every_s=rules.poll_s),
            Periodic("note limits that are nearly used up", parts.approaching.round, every_s=rules.poll_s),
            watch.periodic(),
        )
        return parts

    def _open_batches(self, store: "SqlStore") -> None:
        self._files = Files(store.files, self._clock, lambda: self._gateway.edition.settings.files)
        calls = PipelineCalls(self._gateway, self._keys, self._ledger, lambda: self._requests.working)
        self._batch_jobs = open_batch_jobs(
            calls,
            store,
            self._files,
            self._clock,
            self._loaded.settings,
            gateway=self._gateway,
            holder=self._process,
            listeners=(webhook_of(self._webhooks.service),),
        )

    def _open_events(self, store: "SqlStore") -> None:
        self._events = EventLog(store.analytics, self._clock, self._loaded.settings.analytics)
        self._stack.push_async_callback(self._events.aclose)
        self._prune_events = Leased(
            "prune analytics events",
            self._events.prune,
            store.leases,
            self._clock,
            holder=self._process,
            every_s=3600,
        )

    def _open_status(self, store: "SqlStore") -> StatusParts:
        def current() -> tuple[Catalog, Breakers]:
            return self._gateway.edition.catalog, self._gateway.edition.breakers

        settings = self._loaded.settings
        every_s = settings.status.check_s
        parts = open_status(settings, store.incidents, self._observation, self._clock, current)
        watch = Leased(
            "watch for incidents", parts.watch.check, store.leases, self._clock, holder=self._process, every_s=every_s
        )
        read = Periodic("read the incidents", parts.incidents.refresh, every_s=min(every_s, _READ_INCIDENTS_S))
        self._incident_jobs = (watch.periodic(), read)
        return parts

    def _open_errors(self, store: "SqlStore") -> None:
        rules = self._loaded.settings.error_monitor
        self._errors = ErrorPatterns(store.errors, self._clock, rules)
        self._exchange_errors = Periodic("exchange errors", self._errors.exchange, every_s=rules.exchange_s)
        prune = Leased(
            "prune errors", self._errors.prune, store.leases, self._clock, holder=self._process, every_s=3600
        )
        self._prune_errors = prune.periodic()
        if rules.enabled:
            self._recorders = (*self._recorders, self._errors.record_settlement)
            handler = ErrorHandler(self._errors.record_logged)
            logging.getLogger().addHandler(handler)
            self._stack.callback(logging.getLogger().removeHandler, handler)
            self._stack.push_async_callback(self._errors.aclose)

    def _open_catalog(self, store: "SqlStore") -> None:
        self._catalogs = CatalogSource(store.catalog, self._clock)
        sync = CatalogSync(
            store.catalog,
            self._catalogs,
            self._clock,
            providers=lambda: self._gateway.edition.providers,
            settings=lambda: self._gateway.edition.settings,
        )
        self._catalog_sync = CatalogSyncJob(
            sync,
            store.leases,
            self._clock,
            holder=self._process,
            is_enabled=lambda: self._gateway.edition.settings.catalog_sync.enabled,
            catch_up=self._catch_up_with_lists,
        )
        self._stack.push_async_callback(self._catalog_sync.aclose)

    async def _catch_up_with_lists(self) -> None:
        """Use what providers list now, when that has changed: the edition in force gets another catalog."""
        async with self._swapping:
            if not await self._catalogs.catch_up():
                return
            edition = self._gateway.edition
            capabilities = {name: provider.capabilities for name, provider in edition.providers.items()}
            catalog = await self._catalogs.build(edition.settings, self._loaded.config_dir, capabilities)
            self._gateway.amend(replace(edition, catalog=catalog))
            gc.freeze()  # it lives long; see `_calm_collector`
        _log.info("serving %d models: providers list other ones", len(catalog.models()))

    def _open_health(self, store: "SqlStore") -> None:
        self._health = open_health(
            self._loaded.settings,
            store,
            self._observation,
            self._clock,
            self._stack,
            serving=lambda: self._gateway.edition,
        )
        self._health_checks = HealthChecks(
            self._configured_checks,
            self._health.readings,
            self._observation.record_probe,
            store.leases,
            self._clock,
            holder=self._process,
        )
        self._stack.push_async_callback(self._health_checks.aclose)
        self._downtime = open_downtime(
            self._loaded.settings,
            store,
            self._clock,
            process=self._process,
            is_ready=lambda: bool(self._gateway.edition.providers),
        )
        self._stack.push_async_callback(self._downtime.aclose)

    def _hear_opinion(self, opinion: Opinion) -> None:
        self._gateway.edition.pools.hear_opinion(opinion)

    def _configured_checks(self) -> dict[str, tuple[HealthCheck, HealthEntry]]:
        edition = self._gateway.edition
        return {name: (check, edition.settings.health[name]) for name, check in edition.health.items()}

    def _open_ledger(self, store: "SqlStore") -> None:
        self._ledger = Ledger(store.ledger, self._clock)
        self._sweeper = Sweeper(self._ledger, store.ledger, self._clock, self._loaded.settings.ledger)
        self._stack.push_async_callback(self._sweeper.aclose)
        self._stack.push_async_callback(self._ledger.aclose)

    def _open_inbox(self, store: "SqlStore") -> PaymentInbox:
        settings = lambda: self._gateway.edition.settings  # noqa: E731  (of the configuration in force)
        book = PaymentBook(
            store.payments,
            self._ledger,
            store.users,
            self._clock,
            promotions=self._promotions,
            settings_of=settings,
        )
        return PaymentInbox(store.payments, book, self._clock, lambda: self._gateway.edition.payments)

    async def _install(self, loaded: Loaded) -> None:
        settings, before = loaded.settings, self._instances
        if problems := list(check_promotions(loaded)):
            raise ConfigurationInvalid(problems)
        http = self._http if self._tracing is None else TracingClient(self._http)
        context_of = contexts(http, self._clock, self._data_dir, self._ledger, self._health.targets)
        instances = await open_instances(loaded, context_of, previous=before)
        skipped: list[Skipped] = []
        try:
            edition = await self._edition(loaded, instances, skipped)
        except BaseException as err:  # whatever it is, nothing that was opened here stays open
            await instances.aclose()
            if isinstance(err, ConfigurationError):
                raise ConfigurationInvalid([loaded.problem((), err.message)]) from err
            raise
        self._breakers = edition.breakers
        self._breakers.know(instances.providers)
        self._retry_budget.configure(settings.failover.retry_budget)
        self._velocity.configure(settings.limits.velocity)
        self._errors.fixes = Fixes(settings.error_fixes, key_variables(loaded.tree))
        self._instances = instances
        self._gateway.install(edition, instances.aclose)
        await asyncio.to_thread(save_applied, loaded, self._data_dir)
        _log.info(
            "serving %d models of %d providers (%d models left out)",
            len(edition.catalog.models()),
            len(instances.providers),
            sum(each.provider is None for each in skipped),
        )

    async def _edition(self, loaded: Loaded, instances: Instances, skipped: list[Skipped]) -> Edition:
        """Return what requests will use; nothing that serves is changed yet. Raises ConfigurationError."""
        settings = loaded.settings
        capabilities = {name: provider.capabilities for name, provider in instances.providers.items()}
        catalog = await self._catalogs.build(settings, loaded.config_dir, capabilities, skipped)
        breakers, rules = self._breakers, settings.limits
        if settings.breakers != self._loaded.settings.breakers:
            breakers = _breakers(settings, self._clock)
        return Edition(
            settings=settings,
            catalog=catalog,
            providers=instances.providers,
            router=instances.routers[settings.default_router],
            billing=instances.billing,
            payments=instances.payments,
            identity=instances.identity,
            hub=instances.hub,
            health=instances.health,
            mail=instances.mail,
            tools=instances.tools,
            guardrails=instances.guardrails,
            pools=Pools(instances.routers, capabilities),
            breakers=breakers,
            signals=RouteSignals(breakers),
            retry_budget=self._retry_budget,
            keys=self._keys,
            store=self._store,
            observers=ObserverGroup(self._observation.record_attempt, self._recorders, instances.observers),
            readers=READERS,
            dialects=DIALECTS,
            passthroughs=PASSTHROUGHS,
            tokens=self._tokens,
            plans=Plans(settings.plans, self._clock),
            trial_gate=self._promotions.trial_gate,
            clock=self._clock,
            idempotency=self._idempotency,
            conversations=self._conversations,
            answers=self._response_cache if settings.response_cache.enabled else None,
            limits=Limits(rules, self._limiter, settings.mail_domains, self._webhooks.approaching.observe)
            if rules.enabled
            else None,
            network=NetworkLimiter(rules.network, self._limiter, self._velocity, self._clock, self._allowlist.covers)
            if rules.enabled and rules.network.enabled
            else None,
            key_quota=self._key_quota,
            tracing=self._tracing,
            background=self._background,
        )

    def _run_jobs(self) -> None:
        self._run(self._keys.follow(), "follow key changes")
        self._run(self._keep_alive.run(), "keep streams alive")
        self._run(self._sweeper.run(), "look after the ledger")
        self._run(self._inbox.run(), "process payment events")
        self._run(self._idempotency.run(), "forget expired request ids")
        self._run(self._allowlist.run(), "read the allowlist of addresses")
        self._run(self._maintenance.run(), "read announcements of maintenance")
        self._run(self._promotions.grants.run(), "book promised credit")
        self._run(self._observation.run(), "count what is observed")
        self._run(self._exchange.run(), self._exchange.name)
        if self._figures is not None:
            self._run(self._share_figures.run(), self._share_figures.name)
        self._run(self._roll_up.periodic().run(), self._roll_up.name)
        self._run(self._downtime.periodic().run(), "give signs of life")
        self._run(self._health_checks.periodic().run(), "look after health checks")
        self._run(self._events.run(), "write analytics events")
        self._run(self._prune_events.periodic().run(), self._prune_events.name)
        for job in (*self._incident_jobs, *self._batch_jobs):
            self._run(job.run(), job.name)
        if self._errors.is_enabled:
            self._run(self._exchange_errors.run(), self._exchange_errors.name)
            self._run(self._prune_errors.run(), self._prune_errors.name)
        if self._loaded.settings.notifications.enabled:
            self._run(self._tell.periodic().run(), self._tell.name)
        if self._loaded.settings.webhooks.enabled:
            for job in self._webhook_jobs:
                self._run(job.run(), job.name)
        for name, work in self._record_jobs:
            self._run(work.run(), name)
        self._run(self.watch.run(), "watch the configuration")
        rules = self._loaded.settings.catalog_sync
        clears = Periodic("follow clears of the response cache", self._response_cache.refresh, every_s=_READ_CLEARS_S)
        follow = Periodic("follow changes of model lists", self._catch_up_with_lists, every_s=rules.poll_s)
        ask = self._catalog_sync.periodic(rules.interval_s)
        for job in (clears, follow, ask):
            self._run(job.run(), job.name)
        redis_url = self._loaded.settings.store.redis_url
        if redis_url:
            self._run(self._share_breakers(redis_url), "share breaker states")
            self._run(self._share_observation(redis_url), "share observations")
            self._run(self._share_velocity(redis_url), "share the velocity mode")

    async def _share_breakers(self, redis_url: str) -> None:
        from gatewayz.domain.breakers.share import BreakerShare  # noqa: PLC0415  (loaded only where Redis is configured)
        from gatewayz.store.redis import open_redis  # noqa: PLC0415  (likewise)

        redis = open_redis(redis_url)
        period_s = self._loaded.settings.breakers.share_s
        share = BreakerShare(lambda: self._breakers, redis, self._clock, process=os.urandom(8).hex(), period_s=period_s)
        try:
            await share.run()
        finally:
            await redis.aclose()

    async def _share_velocity(self, redis_url: str) -> None:
        from gatewayz.domain.limits.shared_velocity import VelocityShare  # noqa: PLC0415  (likewise)
        from gatewayz.store.redis import open_redis  # noqa: PLC0415  (likewise)

        redis = open_redis(redis_url)
        try:
            await VelocityShare(self._velocity, redis).run()
        finally:
            await redis.aclose()

    async def _share_observation(self, redis_url: str) -> None:
        from gatewayz.store.redis import open_redis  # noqa: PLC0415  (loaded only where Redis is configured)

        redis = open_redis(redis_url)
        try:
            await self._observation.share(redis, self._loaded.settings.observation.share_s)
        finally:
            await redis.aclose()

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        task.add_done_callback(_report_end)
        self._stack.push_async_callback(_cancel, task)


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


def _report_end(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the job '%s' ended with an error", task.get_name(), exc_info=error)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):  # reported by `_report_end` already
        await task
