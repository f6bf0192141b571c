"""What lives as long as a process: opened in order, closed in reverse."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gatewayz.config.sections.health import HealthEntry
from gatewayz.config.sections.money import UsageLog as UsageLogRules
from gatewayz.config.settings import Settings
from gatewayz.domain.analytics.event_log import EventLog
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog_sync.source import CatalogSource
from gatewayz.domain.catalog_sync.sync import CatalogSync
from gatewayz.domain.conversations.conversations import Conversations
from gatewayz.domain.error_patterns.error_patterns import ErrorPatterns
from gatewayz.domain.files.files import Files
from gatewayz.domain.health.open import open_health
from gatewayz.domain.idempotency.idempotency import Idempotency
from gatewayz.domain.identity.authenticator import Authenticator
from gatewayz.domain.identity.key_files import load_vault
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.ledger.sweep import Sweeper
from gatewayz.domain.limits.allowlist import Allowlist
from gatewayz.domain.limits.key_quota import KeyQuota
from gatewayz.domain.limits.network import Velocity
from gatewayz.domain.limits.open import open_limiter
from gatewayz.domain.mail import Mailer
from gatewayz.domain.maintenance.maintenance import Maintenance
from gatewayz.domain.notifications.notices import Notices
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.observation.roll_up import RollUp
from gatewayz.domain.payments.booking import PaymentBook
from gatewayz.domain.payments.inbox import PaymentInbox
from gatewayz.domain.promotions import open_promotions
from gatewayz.domain.response_cache.open import open_response_cache
from gatewayz.domain.status.open import StatusParts, open_status
from gatewayz.domain.usage.key_uses import KeyUses
from gatewayz.domain.usage.retention import Retention
from gatewayz.domain.usage.token_counter import TokenCounter
from gatewayz.domain.usage.usage_log import UsageLog
from gatewayz.domain.webhooks.open import WebhookParts, open_webhooks
from gatewayz.flow.batches import PipelineCalls, open_batch_jobs
from gatewayz.flow.gateway import Gateway
from gatewayz.jobs.catalog_sync import CatalogSyncJob
from gatewayz.jobs.downtime import open_downtime
from gatewayz.jobs.health_checks import HealthChecks
from gatewayz.jobs.leased import Leased
from gatewayz.jobs.periodic import Periodic
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.interfaces import HealthCheck
from gatewayz.telemetry.error_records import ErrorHandler
from gatewayz.telemetry.metrics.collect import Sources
from gatewayz.telemetry.metrics.metrics import Metrics
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.telemetry.metrics.worker_files import WorkerFiles
from gatewayz.telemetry.tracing.open import open_tracing
from gatewayz.upstream.client import make_client
from gatewayz.upstream.egress import EgressRules, Fetcher
from gatewayz.upstream.engine import Engine

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["Parts"]

_READ_INCIDENTS_S: Final = 3.0
_WEBHOOK_ANSWER_BYTES: Final = 64 * 1024
"""What a receiver may answer; it is read and thrown away."""


class Parts:
    """The parts of one process, whatever its configuration comes to be.

    :param settings: those it starts with.
    :param stack: what closes them.
    :param process: a name that no other process has.
    :param requests: what the endpoints answered.
    :param figures: folder in which workers tell each other their figures; None for a process that is alone.
    :param catch_up: makes this process serve what providers list now.
    """

    def __init__(
        self,
        settings: Settings,
        store: "SqlStore",
        gateway: Gateway,
        clock: Clock,
        stack: AsyncExitStack,
        *,
        process: str,
        requests: RequestRecord,
        figures: Path | None,
        catch_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._gateway = gateway
        self._stack = stack
        self._process = process
        self._figures = figures
        self.catch_up = catch_up
        self.clock = clock
        self.store = store
        self.requests = requests
        self.data_dir = Path(settings.data_dir)
        self._open_records(store, settings.usage_log)
        self.tokens = TokenCounter()
        self._stack.push_async_callback(self.tokens.aclose)
        self.http = make_client(settings.upstream)
        self._stack.push_async_callback(self.http.aclose)
        self.tracing = open_tracing(settings.tracing)
        if self.tracing is not None:
            self._stack.push_async_callback(self.tracing.aclose)
        self.vault = load_vault(settings.keys, self.data_dir)
        self._open_catalog(store)
        self._open_ledger(store)
        self.promotions = open_promotions(store, self.ledger, self.clock)
        self.keys = Authenticator(
            store.identity,
            self.vault,
            self.clock,
            cache_entries=settings.keys.cache_entries,
            poll_s=settings.store.poll_changes_s,
        )
        self._stack.push_async_callback(self.keys.aclose)
        self.webhooks = self._open_webhooks(store, self.vault)
        self.limiter = open_limiter(settings, self.clock, self._stack)
        self.velocity = Velocity(settings.limits.velocity, self.clock)
        self.allowlist = Allowlist(store.allowlist, self.clock)
        self.maintenance = Maintenance(store.maintenance, self.clock)
        self.conversations = Conversations(store.conversations, store.conversation_search, self.clock)
        self.response_cache = open_response_cache(settings, store.response_cache, self.vault, self.clock, self._stack)
        self.inbox = self._open_inbox(store)
        self._open_health(store)
        self.idempotency = Idempotency(store.idempotency, self.clock)
        self._stack.push_async_callback(self.idempotency.aclose)
        self.metrics = self._open_metrics(store)
        self.status = self._open_status(store)
        self.notices = self._open_notices(store)
        self._open_batches(store)

    def _open_records(self, store: "SqlStore", rules: UsageLogRules) -> None:
        uses = KeyUses(store.identity, self.clock)
        self.key_quota = KeyQuota(store.identity, uses, self.clock)
        log = UsageLog(store.usage, self.clock, flush_s=rules.flush_s, max_pending=rules.max_pending)
        retention = Retention(store.usage, self.clock, keep_days=rules.keep_days)
        settings = self._settings.observation
        self.observation = Observation(self.clock, settings, store.observation, process=self._process)
        self.exchange = Periodic("keep observations", self.observation.exchange, every_s=settings.exchange_s)
        roll_up = RollUp(store.observation, self.clock, settings)
        self.roll_up = Leased(
            "sum up observations",
            roll_up.run_once,
            store.leases,
            self.clock,
            holder=self._process,
            every_s=60,
        )
        self._stack.push_async_callback(self.observation.aclose)
        self.usage_log = log
        own = (self.observation.record_settlement, uses.record)
        self.recorders = (*own, log.record) if rules.enabled else own
        self.record_jobs = (
            ("count key uses", uses),
            ("give back uses of keys", self.key_quota),
            ("write the usage log", log),
            ("prune the usage log", retention),
        )
        self._stack.push_async_callback(uses.aclose)
        self._stack.push_async_callback(self.key_quota.aclose)
        self._stack.push_async_callback(log.aclose)
        self._open_events(store)
        self._open_errors(store)

    def _open_metrics(self, store: "SqlStore") -> Metrics:
        sources = Sources(
            process=self._process,
            requests=self.requests,
            observation=self.observation,
            ledger=self.ledger,
            usage_log=self.usage_log,
            limiter=self.limiter,
            velocity=self.velocity,
            keys=self.keys,
            answers=self.response_cache,
            idempotency=self.idempotency,
            connections=self.http.stats if isinstance(self.http, Engine) else list,
            serving=lambda: self._gateway.edition,
        )
        files = None if self._figures is None else WorkerFiles(self._figures, self._process)
        metrics = Metrics(sources, self.clock, store.check, files)
        self.share_figures = Periodic("tell figures to other workers", metrics.share, every_s=1.0)
        return metrics

    def _open_notices(self, store: "SqlStore") -> Notices:
        self.mailer = Mailer(lambda: self._gateway.edition.mail)
        notices = Notices(store.notifications, store.users, self.ledger, self.mailer, self.clock)
        every_s = self._settings.notifications.check_s
        self.tell = Leased(
            "tell people", notices.send_due, store.leases, self.clock, holder=self._process, every_s=every_s
        )
        return notices

    def _open_webhooks(self, store: "SqlStore", vault: KeyVault) -> WebhookParts:
        rules = self._settings.webhooks
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
            self.clock,
            check_url=fetcher.check,
            post=partial(fetcher.fetch, method="POST"),
        )
        self._stack.push_async_callback(parts.deliverer.aclose)
        leased = partial(Leased, leases=store.leases, clock=self.clock, holder=self._process)
        watch = leased("look for events of webhooks", parts.watch.look, every_s=rules.check_s)
        self.webhook_jobs = (
            Periodic("deliver webhooks", parts.deliverer.rounds, every_s=rules.poll_s),
            Periodic("note limits that are nearly used up", parts.approaching.round, every_s=rules.poll_s),
            Periodic("learn who is told of limits", parts.approaching.learn, every_s=rules.check_s),
            watch.periodic(),
        )
        # Added credit and ended batches are written down where nothing is delivered, too.
        self.prune_deliveries = leased("prune deliveries of webhooks", parts.watch.forget, every_s=3600).periodic()
        self.observe_limits = parts.approaching.observe if rules.enabled else None
        return parts

    def _open_batches(self, store: "SqlStore") -> None:
        self.files = Files(store.files, self.clock, lambda: self._gateway.edition.settings.files)
        calls = PipelineCalls(self._gateway, self.keys, self.ledger, lambda: self.requests.working)
        self.batch_jobs = open_batch_jobs(
            calls,
            store,
            self.files,
            self.clock,
            self._settings,
            gateway=self._gateway,
            holder=self._process,
        )

    def _open_events(self, store: "SqlStore") -> None:
        self.events = EventLog(store.analytics, self.clock, self._settings.analytics)
        self._stack.push_async_callback(self.events.aclose)
        self.prune_events = Leased(
            "prune analytics events",
            self.events.prune,
            store.leases,
            self.clock,
            holder=self._process,
            every_s=3600,
        )

    def _open_status(self, store: "SqlStore") -> StatusParts:
        def current() -> tuple[Catalog, Breakers]:
            return self._gateway.edition.catalog, self._gateway.edition.breakers

        settings = self._settings
        every_s = settings.status.check_s
        parts = open_status(settings, store.incidents, self.observation, self.clock, current)
        watch = Leased(
            "watch for incidents", parts.watch.check, store.leases, self.clock, holder=self._process, every_s=every_s
        )
        read = Periodic("read the incidents", parts.incidents.refresh, every_s=min(every_s, _READ_INCIDENTS_S))
        self.incident_jobs = (watch.periodic(), read)
        return parts

    def _open_errors(self, store: "SqlStore") -> None:
        rules = self._settings.error_monitor
        self.errors = ErrorPatterns(store.errors, self.clock, rules)
        self.exchange_errors = Periodic("exchange errors", self.errors.exchange, every_s=rules.exchange_s)
        prune = Leased("prune errors", self.errors.prune, store.leases, self.clock, holder=self._process, every_s=3600)
        self.prune_errors = prune.periodic()
        if rules.enabled:
            self.recorders = (*self.recorders, self.errors.record_settlement)
            handler = ErrorHandler(self.errors.record_logged)
            logging.getLogger().addHandler(handler)
            self._stack.callback(logging.getLogger().removeHandler, handler)
            self._stack.push_async_callback(self.errors.aclose)

    def _open_catalog(self, store: "SqlStore") -> None:
        self.catalogs = CatalogSource(store.catalog, self.clock)
        sync = CatalogSync(
            store.catalog,
            self.catalogs,
            self.clock,
            providers=lambda: self._gateway.edition.providers,
            settings=lambda: self._gateway.edition.settings,
        )
        self.catalog_sync = CatalogSyncJob(
            sync,
            store.leases,
            self.clock,
            holder=self._process,
            is_enabled=lambda: self._gateway.edition.settings.catalog_sync.enabled,
            catch_up=self.catch_up,
        )
        self._stack.push_async_callback(self.catalog_sync.aclose)

    def _open_health(self, store: "SqlStore") -> None:
        self.health = open_health(
            self._settings,
            store,
            self.observation,
            self.clock,
            self._stack,
            serving=lambda: self._gateway.edition,
        )
        self.health_checks = HealthChecks(
            self._configured_checks,
            self.health.readings,
            self.observation.record_probe,
            store.leases,
            self.clock,
            holder=self._process,
        )
        self._stack.push_async_callback(self.health_checks.aclose)
        self.downtime = open_downtime(
            self._settings,
            store,
            self.clock,
            process=self._process,
            is_ready=lambda: bool(self._gateway.edition.providers),
        )
        self._stack.push_async_callback(self.downtime.aclose)

    def _configured_checks(self) -> dict[str, tuple[HealthCheck, HealthEntry]]:
        edition = self._gateway.edition
        return {name: (check, edition.settings.health[name]) for name, check in edition.health.items()}

    def _open_ledger(self, store: "SqlStore") -> None:
        self.ledger = Ledger(store.ledger, self.clock)
        self.sweeper = Sweeper(self.ledger, store.ledger, self.clock, self._settings.ledger)
        self._stack.push_async_callback(self.sweeper.aclose)
        self._stack.push_async_callback(self.ledger.aclose)

    def _open_inbox(self, store: "SqlStore") -> PaymentInbox:
        settings = lambda: self._gateway.edition.settings  # noqa: E731  (of the configuration in force)
        book = PaymentBook(
            store.payments,
            self.ledger,
            store.users,
            self.clock,
            promotions=self.promotions,
            settings_of=settings,
        )
        return PaymentInbox(store.payments, book, self.clock, lambda: self._gateway.edition.payments)
