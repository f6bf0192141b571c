"""What model-health routes take and show. Source: spec 02 §2 (4.6)."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.domain.observation.traffic import Condition

__all__ = ["Health", "ListQuery", "UnhealthyQuery"]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/model-health`."""

    provider: str | None = None
    status: Condition | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, Meta(ge=0)] = 0


class UnhealthyQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/model-health/unhealthy`."""

    error_threshold: Annotated[float, Meta(ge=0, le=1)] = 0.2
    min_calls: Annotated[int, Meta(ge=1)] = 10


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a provider. Counts are of the last 24 hours, `last_*` the newest facts; null is not known."""

    provider: str
    model: str
    gateway: str
    status: Condition
    circuit_breaker_state: str
    last_status: str | None = None
    """`success`, `fault`, `rate_limited`, ... of the last call."""
    last_status_code: int | None = None
    last_called_at: str | None = None
    last_success_at: str | None = None
    last_failure_at: str | None = None
    last_response_time_ms: float | None = None
    last_error_message: str | None = None
    """Code of the last error."""
    consecutive_failures: int = 0
    call_count: int = 0
    success_count: int = 0
    error_count: int = 0
    """Faults of the provider; rate limits and callers' faults are none."""
    rate_limited_count: int = 0
    success_rate: float | None = None
    """Successes of successes and errors, 0..1."""
    average_response_time_ms: float | None = None
    p95_response_time_ms: float | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
