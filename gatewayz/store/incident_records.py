"""Incidents: outages of offers and of whole providers, as they are kept."""

from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

__all__ = ["SEVERITIES", "WHOLE", "Incident", "IncidentFilter", "IncidentTotals", "Opening", "Severity", "Subject"]

Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
"""The least first."""
WHOLE = ""
"""Stands as the model of what concerns a provider as a whole."""


class Subject(NamedTuple):
    """What is out: an offer, or a provider as a whole."""

    provider: str
    model: str


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """An incident that begins."""

    subject: Subject
    severity: Severity
    started_at: datetime
    error_code: str | None


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One incident, as far as it is known."""

    id: int
    provider: str
    model: str
    severity: Severity
    started_at: datetime
    better_since: datetime | None = None
    """Since when it has been answering again, while that is not sure yet."""
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    """None when the gateway itself saw it end."""
    error_code: str | None = None
    """Of the newest failure, never a provider's words."""
    error_count: int = 0
    """Failed calls and probes since the minute it began in."""
    notes: str | None = None
    updated_at: datetime

    @property
    def subject(self) -> Subject:
        """What is out."""
        return Subject(self.provider, self.model)


class IncidentFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which incidents are asked for."""

    is_active: bool | None = None
    severity: Severity | None = None
    provider: str | None = None
    since: datetime | None = None
    """Those that had not ended by then."""


class IncidentTotals(NamedTuple):
    """How many are kept."""

    total: int
    active: int
