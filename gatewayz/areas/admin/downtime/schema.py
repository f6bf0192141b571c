"""What downtime routes take. Source: spec 07 §9."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.store.downtime_records import IncidentStatus, Severity

__all__ = ["IncidentsQuery", "ResolveBody", "StatisticsQuery"]


class IncidentsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/downtime/incidents`."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    status: IncidentStatus | None = None
    severity: Severity | None = None
    environment: Annotated[str, Meta(max_length=40)] | None = None


class StatisticsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /admin/downtime/statistics`."""

    days: Annotated[int, Meta(ge=1, le=365)] = 30


class ResolveBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /admin/downtime/incidents/{id}/resolve`."""

    notes: Annotated[str, Meta(max_length=2000)] | None = None
