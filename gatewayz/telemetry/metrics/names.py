"""The metrics that are one number each: what they are called, what they mean, how processes add up.

Names of spec 00 §16 where that number exists here; the others begin with `gatewayz_`. What is counted by
endpoint or by offer is in `families`.
"""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple

__all__ = ["READINGS", "Join", "Kind", "Metric"]

Kind = Literal["counter", "gauge"]
Join = Literal["sum", "max"]
"""How gauges of several processes make one; counters are added up, those of processes that are gone too."""


class Metric(NamedTuple):
    """What a name stands for."""

    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    join: Join = "sum"


READINGS: Final[Mapping[str, Metric]] = {
    "gatewayz_build_info": Metric("gauge", "1, for the version that runs.", ("version",), "max"),
    "gatewayz_workers": Metric("gauge", "Processes that these figures are the sum of."),
    "process_cpu_seconds_total": Metric("counter", "Processor time of all processes."),
    "process_resident_memory_bytes": Metric("gauge", "Memory of all processes."),
    "http_requests_in_progress": Metric("gauge", "Requests that are being answered, open streams among them."),
    "concurrency_active_requests": Metric("gauge", "Inference requests being worked on; open streams are none."),
    "concurrency_limit": Metric("gauge", "How many there may be at once; more are answered 503."),
    "concurrency_rejected_total": Metric("counter", "Inference requests there was no room for."),
    "concurrency_queued_requests": Metric("gauge", "Calls that wait for a connection to a provider."),
    "connection_pool_connections": Metric("gauge", "Connections to providers.", ("state",)),
    "rate_limited_requests_total": Metric("counter", "Requests refused, by the limit that was met.", ("limit_type",)),
    "gatewayz_rate_limit_grants_total": Metric("counter", "Requests that kept every limit."),
    "gatewayz_rate_limits_degraded": Metric("gauge", "1 while shared limits are counted apart.", join="max"),
    "velocity_mode_active": Metric("gauge", "1 while too much fails and limits are lowered.", join="max"),
    "velocity_mode_activations": Metric("gauge", "How often that has begun since the start.", join="max"),
    "circuit_breaker_current_state": Metric(
        "gauge", "1 for the state of a provider's breaker.", ("provider", "state"), "max"
    ),
    "gatewayz_circuit_breaker_failures": Metric(
        "gauge", "Failed requests in a row, as the breaker counts.", ("provider",), "max"
    ),
    "provider_availability": Metric(
        "gauge", "1 healthy, 0.5 degraded, 0 down; none where nothing is known.", ("provider",), "max"
    ),
    "provider_error_rate": Metric(
        "gauge", "Share of faults among successes and faults of 15 minutes.", ("provider",), "max"
    ),
    "cache_hits_total": Metric("counter", "Look-ups answered from memory.", ("cache",)),
    "cache_misses_total": Metric("counter", "Look-ups that asked the database, or a provider.", ("cache",)),
    "gatewayz_cache_entries": Metric("gauge", "What is kept in memory.", ("cache",)),
    "gatewayz_answers_kept_total": Metric("counter", "Answers put into the response cache."),
    "gatewayz_answers_bytes": Metric("gauge", "Memory that the response cache takes."),
    "gatewayz_answers_redis_failures_total": Metric("counter", "Answers that Redis neither kept nor found."),
    "gatewayz_keys_refused_total": Metric("counter", "Credentials that stand for nobody."),
    "gatewayz_key_changes_stale": Metric("gauge", "1 while changes of keys cannot be read.", join="max"),
    "gatewayz_ledger_operations_total": Metric("counter", "Holds, charges and releases that were committed."),
    "gatewayz_ledger_groups_total": Metric("counter", "Commits they shared."),
    "gatewayz_ledger_backlog": Metric("gauge", "Charges and releases that wait for the database."),
    "gatewayz_usage_rows_written_total": Metric("counter", "Rows of the usage log that were written."),
    "gatewayz_usage_rows_dropped_total": Metric("counter", "Rows of the usage log that were lost."),
    "gatewayz_usage_rows_pending": Metric("gauge", "Rows of the usage log that wait to be written."),
    "gatewayz_idempotency_running": Metric("gauge", "Calls with an id of their caller's that are running."),
    "gatewayz_observation_pending": Metric("gauge", "Events that were noted and not counted yet."),
    "gatewayz_catalog_models": Metric("gauge", "Models that can be called.", join="max"),
    "gatewayz_catalog_offers": Metric("gauge", "Offers of these models.", join="max"),
    "gatewayz_catalog_providers": Metric("gauge", "Providers with an offer.", join="max"),
    "gatewayz_router_requests_total": Metric("counter", "Choices of routers that choose a model.", ("router", "mode")),
    "gatewayz_router_refused_total": Metric("counter", "Calls that no model suited.", ("router",)),
    "code_router_requests_total": Metric("counter", "Choices of the router `code`.", ("mode",)),
    "general_router_requests_total": Metric("counter", "Choices of the router `general`.", ("mode",)),
    "database_up": Metric("gauge", "1 when the database answered within a second.", join="max"),
}
