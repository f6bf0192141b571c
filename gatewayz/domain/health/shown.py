"""What is shown of models, providers and everything together. Source: spec 05 §3; docs/health.md."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

import msgspec

from gatewayz.domain.breakers.circuit import State
from gatewayz.domain.observation.traffic import Traffic

__all__ = ["DayTraffic", "ModelStanding", "ModelStatus", "ProviderStanding", "ProviderStatus", "System"]

ModelStatus = Literal["healthy", "degraded", "unhealthy", "unknown"]
ProviderStatus = Literal["online", "degraded", "offline", "unknown"]


class DayTraffic(msgspec.Struct, frozen=True, kw_only=True):
    """Each offer's traffic of the last 24 hours."""

    parts: Mapping[tuple[str, str], Traffic]
    """By provider and model."""
    is_whole: bool
    """False: the database is away, and this is the last hour, from memory."""


class ModelStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a provider, or over all of its providers. Counts are of 24 hours; null is not known."""

    model_id: str
    provider: str
    gateway: str
    status: ModelStatus
    response_time_ms: float | None = None
    """Of the last call."""
    avg_response_time_ms: float | None = None
    success_rate: float | None = None
    """Successes of successes and the provider's faults, probes included, 0..1."""
    uptime_percentage: float | None = None
    """The same, of 100."""
    total_requests: int = 0
    """Calls to the provider, probes not counted."""
    error_count: int = 0
    """Those that failed by the provider's fault."""
    last_checked: datetime | None = None
    last_success: datetime | None = None
    last_failure: datetime | None = None
    error_message: str | None = None
    """Code of the last error; null when the last call went well."""
    circuit_breaker_state: str = State.CLOSED.value


class ProviderStanding(msgspec.Struct, frozen=True, kw_only=True):
    """A provider over all of its models. Figures are of 24 hours, the score of the last hour; null is not known."""

    provider: str
    gateway: str
    status: ProviderStatus
    health_score: int | None
    """0..100; null when the last hour brought nothing to judge by."""
    total_models: int
    """That it serves; the three counts that follow are of those that were ever called or probed."""
    healthy_models: int
    degraded_models: int
    unhealthy_models: int
    avg_response_time_ms: float | None
    overall_uptime: float | None
    """Percentage of calls and probes that did not fail by its fault."""
    total_requests: int
    error_count: int
    last_checked: datetime | None
    error_message: str | None
    circuit_breaker_state: str
    is_configured: bool


class System(msgspec.Struct, frozen=True, kw_only=True):
    """Everything together."""

    overall_status: ModelStatus
    total_providers: int
    """Configured ones."""
    tracked_providers: int
    healthy_providers: int
    degraded_providers: int
    unhealthy_providers: int
    total_models: int
    tracked_models: int
    """Models at providers that were ever called or probed."""
    healthy_models: int
    degraded_models: int
    unhealthy_models: int
    total_gateways: int
    healthy_gateways: int
    system_uptime: float | None
    """Percentage of the tracked models that are healthy; null when nothing is tracked."""
