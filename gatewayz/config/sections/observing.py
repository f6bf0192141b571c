"""Settings of what is observed of traffic."""

from typing import Annotated

from msgspec import Meta

from gatewayz.config.sections.base import Positive, PositiveInt, Section

__all__ = ["Analytics", "Conditions", "Metrics", "Observation"]

Share = Annotated[float, Meta(gt=0, le=1)]


class Conditions(Section, frozen=True, kw_only=True):
    """When an offer counts as degraded or down; `docs/observation.md` has the whole rule."""

    window_minutes: Annotated[int, Meta(ge=1, le=60)] = 15
    degraded_share: Share = 0.1
    """Share of faults from which on an offer is degraded."""
    down_share: Share = 0.5
    """Share of faults from which on an offer is down, once it has been tried often enough."""
    down_attempts: PositiveInt = 3
    """How often that is."""
    down_failures: PositiveInt = 3
    """So many failures in a row are down whatever came before."""
    forget_hours: Positive = 24.0
    """What was not heard of for so long is unknown."""


class Metrics(Section, frozen=True, kw_only=True):
    """What `/metrics` shows."""

    max_offers: PositiveInt = 1_000
    """Offers with samples of their own, those called first; all others are one, named `other`."""
    fastapi_names: bool = True
    """Also give the HTTP metrics the `fastapi_*` names that dashboards of other gateways ask for."""


class Observation(Section, frozen=True, kw_only=True):
    """The one record of traffic that metrics, health, status and catalog read."""

    max_offers: PositiveInt = 10_000
    """Offers told apart in one hour; those beyond are counted as one, named `other`."""
    conditions: Conditions = Conditions()
    metrics: Metrics = Metrics()
    exchange_s: Positive = 2.0
    """How often a process writes what it counted and reads what the others wrote; a crash loses so much."""
    share_s: Positive = 1.0
    """How often processes tell each other of the running minutes, where there is a Redis."""
    keep_minutes_days: PositiveInt = 2
    keep_hours_days: PositiveInt = 60
    keep_days: PositiveInt = 730
    """Sums of days are forgotten after this."""


class Analytics(Section, frozen=True, kw_only=True):
    """Events that clients send; see `docs/analytics.md`."""

    enabled: bool = True
    """False: events are answered and not kept."""
    flush_s: Positive = 0.5
    """Events are written in groups, at latest after this time."""
    max_pending: PositiveInt = 10_000
    """Events kept in memory while the database is away; the newest beyond are dropped and counted."""
    keep_days: PositiveInt = 90
    keep_events: PositiveInt = 1_000_000
    """The newest so many are kept, however young the others are: anybody may send events."""
