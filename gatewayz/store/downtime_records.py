"""Values of the downtime aggregate: signs of life of processes, and when the gateway was away."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

__all__ = ["Beat", "DowntimeFilter", "DowntimeKind", "Incident", "IncidentStatus", "Severity"]

DowntimeKind = Literal["stopped", "crashed", "database", "readiness"]
IncidentStatus = Literal["ongoing", "investigating", "resolved"]
Severity = Literal["low", "medium", "high", "critical"]


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """The last sign of life of a process."""

    process: str
    host: str
    version: str
    started_at: datetime
    beat_at: datetime
    stopped_at: datetime | None = None
    """When it stopped in order."""


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """A time in which the gateway did not serve, or not all of it."""

    id: int = 0
    """0 before it is stored."""
    kind: DowntimeKind
    started_at: datetime
    detected_at: datetime
    ended_at: datetime | None
    """None while it goes on."""
    status: IncidentStatus
    severity: Severity
    environment: str
    error_message: str
    server_info: Mapping[str, Any]
    resolved_by: str | None = None
    notes: str | None = None
    created_at: datetime
    updated_at: datetime


class DowntimeFilter(msgspec.Struct, frozen=True, kw_only=True):
    """None passes everything."""

    status: IncidentStatus | None = None
    severity: Severity | None = None
    environment: str | None = None
    kind: DowntimeKind | None = None
    ended_after: datetime | None = None
    """Those that go on, too."""
