"""What the status page shows, and the words of it. Source: spec 05 §6 (15.1 to 15.9), spec 00 §13; docs/status.md."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

import msgspec

from gatewayz.domain.observation.traffic import Condition, Traffic
from gatewayz.domain.status.tiers import Tier
from gatewayz.store.incident_records import WHOLE, Incident, Severity

__all__ = [
    "Checks",
    "DataPoint",
    "IncidentShown",
    "OfferStatus",
    "OfferWord",
    "Overall",
    "ProviderStatus",
    "Word",
    "average_ms",
    "checks_of",
    "offer_word",
    "shown_incident",
    "word_of",
]

Word = Literal["operational", "degraded", "major_outage", "unknown"]
"""How everything, or a provider, is doing."""
OfferWord = Literal["operational", "degraded", "offline", "unknown"]
"""How a model at a provider is doing."""

_OFFER_WORDS: Final[Mapping[Condition, OfferWord]] = {
    "healthy": "operational",
    "degraded": "degraded",
    "down": "offline",
    "unknown": "unknown",
}
_MAJOR_SHARE: Final = 0.1


class Checks(NamedTuple):
    """Calls and probes that tell of a provider: no rate limits, no callers' faults, no callers that left."""

    successful: int
    failed: int

    @property
    def total(self) -> int:
        """How many."""
        return self.successful + self.failed

    @property
    def percentage(self) -> float | None:
        """Share of the successful ones, of 100, cut to two places: 100 is said only when none failed."""
        return self.successful * 10_000 // self.total / 100 if self.total else None


class Overall(msgspec.Struct, frozen=True, kw_only=True):
    """Everything together. Models are counted once for each provider that serves them; null is not known."""

    status: Word
    status_message: str
    uptime_percentage: float | None
    """Of the last 24 hours."""
    total_models: int
    """That were ever called or probed, and are served now."""
    healthy_models: int
    degraded_models: int
    offline_models: int
    unknown_models: int
    """Not heard of for a day."""
    total_providers: int
    """That serve a model."""
    total_gateways: int
    """Of them, those of which something is known."""
    healthy_gateways: int
    gateway_health_percentage: float | None
    active_incidents: int
    last_updated: datetime


class ProviderStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One provider that serves models."""

    name: str
    gateway: str
    status: Word
    uptime_24h: float | None
    uptime_7d: float | None
    total_models: int
    """That it serves; the two counts that follow are of those of which something is known."""
    healthy_models: int
    offline_models: int
    avg_response_time_ms: float | None
    """Of successful calls of the last 24 hours, until the whole answer."""
    last_checked: datetime | None
    active_incidents: int


class OfferStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A model at a provider."""

    model_id: str
    provider: str
    gateway: str
    status: OfferWord
    tier: Tier
    uptime_24h: float | None
    uptime_7d: float | None
    uptime_30d: float | None
    avg_response_time_ms: float | None
    last_checked: datetime | None
    last_success: datetime | None
    last_failure: datetime | None
    circuit_breaker_state: str
    active_incidents: int
    """Of it, and of its provider as a whole."""
    consecutive_failures: int
    usage_24h: int | None
    """Requests that ended there."""
    is_enabled: bool
    """Whether it is served now."""


class DataPoint(msgspec.Struct, frozen=True, kw_only=True):
    """An hour or a day; null when nothing was seen."""

    timestamp: datetime
    uptime_percentage: float | None
    avg_response_time_ms: float | None
    total_checks: int
    successful_checks: int
    failed_checks: int


class IncidentShown(msgspec.Struct, frozen=True, kw_only=True):
    """An incident, for the public."""

    id: int
    provider: str
    model: str | None
    """Null: the provider as a whole."""
    gateway: str
    type: Literal["provider_outage", "model_outage"]
    severity: Severity
    status: Literal["active", "resolved"]
    started_at: datetime
    resolved_at: datetime | None
    duration_seconds: int
    """Until now for an active one."""
    duration_human: str
    error_message: str | None
    """Code of the newest error."""
    error_count: int
    resolution_notes: str | None


def offer_word(condition: Condition) -> OfferWord:
    """Return the word for one offer."""
    return _OFFER_WORDS[condition]


def word_of(conditions: Iterable[Condition]) -> Word:
    """Return the word for offers together: by how many of those that are known are down."""
    counts = Counter(conditions)
    known = counts.total() - counts["unknown"]
    if not known:
        return "unknown"
    if not counts["down"]:
        return "operational"
    return "degraded" if counts["down"] < _MAJOR_SHARE * known else "major_outage"


def checks_of(parts: Iterable[Traffic]) -> Checks:
    """Return the checks among traffic."""
    every = list(parts)
    successful = sum(each.successes + each.probes - each.failed_probes for each in every)
    return Checks(successful, sum(each.faults + each.failed_probes for each in every))


def average_ms(parts: Iterable[Traffic]) -> float | None:
    """Return the mean time of successful calls, None without one."""
    timed = [(each.latency.count, mean) for each in parts if (mean := each.latency.mean()) is not None]
    calls = sum(count for count, _ in timed)
    return round(sum(count * mean for count, mean in timed) / calls, 1) if calls else None


def shown_incident(incident: Incident, now: datetime) -> IncidentShown:
    """Return an incident as the public sees it."""
    is_whole, is_over = incident.model == WHOLE, incident.resolved_at is not None
    lasted = max(timedelta(), (incident.resolved_at or now) - incident.started_at)
    return IncidentShown(
        id=incident.id,
        provider=incident.provider,
        model=None if is_whole else incident.model,
        gateway=incident.provider,
        type="provider_outage" if is_whole else "model_outage",
        severity=incident.severity,
        status="resolved" if is_over else "active",
        started_at=incident.started_at,
        resolved_at=incident.resolved_at,
        duration_seconds=int(lasted.total_seconds()),
        duration_human=_in_words(int(lasted.total_seconds())),
        error_message=incident.error_code,
        error_count=incident.error_count,
        resolution_notes=incident.notes,
    )


def _in_words(seconds: int) -> str:
    """Return a duration by its two largest units."""
    amounts = (seconds // 86_400, seconds // 3_600 % 24, seconds // 60 % 60, seconds % 60)
    first = next((place for place, amount in enumerate(amounts) if amount), len(amounts) - 1)
    units = [f"{amount}{unit}" for amount, unit in zip(amounts, "dhms", strict=True)]
    return " ".join(units[first : first + 2])
