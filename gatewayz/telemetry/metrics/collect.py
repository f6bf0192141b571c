"""What this process has to tell, read from whoever counts it. Nothing here keeps figures of its own."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from gatewayz import __version__
from gatewayz.config.settings import Settings
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import State
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.idempotency.idempotency import Idempotency
from gatewayz.domain.identity.authenticator import Authenticator
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.limits.limiter import Limiter
from gatewayz.domain.limits.network import Velocity
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.response_cache.response_cache import ResponseCache
from gatewayz.domain.routing.pools import Pools
from gatewayz.domain.usage.usage_log import UsageLog
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.telemetry.metrics.snapshot import Reading, RequestRow, Snapshot

__all__ = ["Connections", "Serving", "Sources", "take"]

_MEMORY: Final = Path("/proc/self/statm")


class Serving(Protocol):
    """The configuration in force, as far as it is measured."""

    @property
    def settings(self) -> Settings:
        """As configured."""
        ...

    @property
    def catalog(self) -> Catalog:
        """What can be called."""
        ...

    @property
    def breakers(self) -> Breakers:
        """What is open."""
        ...

    @property
    def pools(self) -> Pools:
        """Routers that choose a model."""
        ...


class Connections(Protocol):
    """Connections to one origin."""

    @property
    def idle(self) -> int:
        """Kept open."""
        ...

    @property
    def in_use(self) -> int:
        """With a call under way."""
        ...

    @property
    def waiting(self) -> int:
        """Calls in line for one."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """Who counts."""

    process: str
    """A name that no other process has."""
    requests: RequestRecord
    observation: Observation
    ledger: Ledger
    usage_log: UsageLog
    limiter: Limiter
    velocity: Velocity
    keys: Authenticator
    answers: ResponseCache
    idempotency: Idempotency
    connections: Callable[[], Sequence[Connections]]
    serving: Callable[[], Serving]


def take(sources: Sources, at: float) -> Snapshot:
    """Return the figures of now.

    :param at: Unix seconds.
    """
    observed = sources.observation.lifetime()
    return Snapshot(
        process=sources.process,
        at=at,
        requests=[RequestRow.of(*key, answered) for key, answered in sources.requests.answered().items()],
        offers=[bucket.row(0, *offer, sources.process) for offer, bucket in observed.items()],
        readings=list(_readings(sources)),
    )


def _readings(sources: Sources) -> Iterator[Reading]:
    serving = sources.serving()
    yield from _process()
    yield from _load(sources.requests, sources.connections(), serving.settings)
    yield from _limits(sources.limiter, sources.velocity)
    yield from _keys(sources.keys)
    yield from _answers(sources.answers)
    yield from _money(sources.ledger, sources.usage_log)
    yield Reading("gatewayz_idempotency_running", sources.idempotency.running)
    yield Reading("gatewayz_observation_pending", sources.observation.pending)
    yield from _breakers(serving.breakers)
    yield from _catalog(serving.catalog)
    yield from _routers(serving.pools)


def _process() -> Iterator[Reading]:
    yield Reading("gatewayz_workers", 1)
    yield Reading("gatewayz_build_info", 1, (__version__,))
    yield Reading("process_cpu_seconds_total", time.process_time())
    if _MEMORY.exists():  # on Linux only
        yield Reading("process_resident_memory_bytes", int(_MEMORY.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"))


def _load(requests: RequestRecord, connections: Sequence[Connections], settings: Settings) -> Iterator[Reading]:
    yield Reading("http_requests_in_progress", requests.in_progress)
    yield Reading("concurrency_active_requests", requests.working)
    yield Reading("concurrency_limit", settings.server.max_concurrent_requests)
    yield Reading("concurrency_rejected_total", requests.refused)
    yield Reading("concurrency_queued_requests", sum(each.waiting for each in connections))
    yield Reading("connection_pool_connections", sum(each.idle for each in connections), ("idle",))
    yield Reading("connection_pool_connections", sum(each.in_use for each in connections), ("in_use",))


def _limits(limiter: Limiter, velocity: Velocity) -> Iterator[Reading]:
    for limit, count in limiter.refused_by.items():
        yield Reading("rate_limited_requests_total", count, (limit,))
    yield Reading("gatewayz_rate_limit_grants_total", limiter.granted_count)
    yield Reading("gatewayz_rate_limits_degraded", float(limiter.is_degraded))
    yield Reading("velocity_mode_active", float(velocity.is_active))
    yield Reading("velocity_mode_activations", velocity.trigger_count)


def _keys(keys: Authenticator) -> Iterator[Reading]:
    stats = keys.stats()
    yield Reading("cache_hits_total", stats.hits, ("keys",))
    yield Reading("cache_misses_total", stats.loads, ("keys",))
    yield Reading("gatewayz_cache_entries", stats.entries, ("keys",))
    yield Reading("gatewayz_keys_refused_total", stats.refused)
    yield Reading("gatewayz_key_changes_stale", float(not stats.is_feed_current))


def _answers(answers: ResponseCache) -> Iterator[Reading]:
    stats = answers.stats()
    yield Reading("cache_hits_total", stats.hits, ("answers",))
    yield Reading("cache_misses_total", stats.misses, ("answers",))
    yield Reading("gatewayz_cache_entries", stats.entries, ("answers",))
    yield Reading("gatewayz_answers_kept_total", stats.kept)
    yield Reading("gatewayz_answers_bytes", stats.size_bytes)
    yield Reading("gatewayz_answers_redis_failures_total", stats.failures)


def _money(ledger: Ledger, usage_log: UsageLog) -> Iterator[Reading]:
    booked, logged = ledger.stats(), usage_log.stats()
    yield Reading("gatewayz_ledger_operations_total", booked.operations)
    yield Reading("gatewayz_ledger_groups_total", booked.groups)
    yield Reading("gatewayz_ledger_backlog", booked.backlog)
    yield Reading("gatewayz_usage_rows_written_total", logged.written)
    yield Reading("gatewayz_usage_rows_dropped_total", logged.dropped)
    yield Reading("gatewayz_usage_rows_pending", logged.pending)


def _breakers(breakers: Breakers) -> Iterator[Reading]:
    for provider, view in breakers.views().items():
        # Others were only looked at: anybody may ask for a name.
        if breakers.is_configured(provider):
            for state in State:
                yield Reading("circuit_breaker_current_state", float(view.state is state), (provider, state.value))
            yield Reading("gatewayz_circuit_breaker_failures", view.failure_count, (provider,))


def _catalog(catalog: Catalog) -> Iterator[Reading]:
    models = catalog.models()
    yield Reading("gatewayz_catalog_models", len(models))
    yield Reading("gatewayz_catalog_offers", sum(len(model.offers) for model in models))
    yield Reading("gatewayz_catalog_providers", len(catalog.providers()))


def _routers(pools: Pools) -> Iterator[Reading]:
    for name, router in pools.routers.items():
        stats: Mapping[str, Any] = router.stats()
        for mode, count in stats.get("requests_by_mode", {}).items():
            yield Reading("gatewayz_router_requests_total", count, (name, mode))
            if name in ("code", "general"):
                yield Reading(f"{name}_router_requests_total", count, (mode,))
        if "refused_requests" in stats:
            yield Reading("gatewayz_router_refused_total", stats["refused_requests"], (name,))
