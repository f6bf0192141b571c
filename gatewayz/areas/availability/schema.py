"""What availability routes take and show. Source: spec 02 §2 (4.8)."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["Availability", "ListQuery", "MaintenanceBody", "Status"]

Status = Literal["available", "degraded", "unavailable", "maintenance", "unknown"]


class ListQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /availability/models`."""

    gateway: str | None = None
    provider: str | None = None
    status: Status | None = None
    limit: Annotated[int, Meta(ge=1, le=10_000)] = 1000
    offset: Annotated[int, Meta(ge=0)] = 0


class MaintenanceBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /availability/maintenance/{model_id}`; without an end it lasts until it is taken back."""

    until: datetime | None = None
    """ISO 8601 with a time zone."""
    duration_minutes: Annotated[int, Meta(ge=1, le=525_600)] | None = None
    reason: Annotated[str, Meta(max_length=500)] = ""


class Availability(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a provider, or over all its providers. Figures are of the last hour; null is not known."""

    model_id: str
    provider: str | None
    """The first to be tried, of a model over all its providers."""
    gateway: str | None
    status: Status
    available: bool
    """Whether a call would be tried now and no maintenance is announced."""
    last_checked: str | None
    success_rate: float | None
    response_time_ms: float | None
    """Median until the whole answer."""
    error_count: int
    circuit_breaker_state: str
    fallback_models: tuple[str, ...]
    maintenance_until: str | None
    error_message: str | None
    """Code of the last error."""
