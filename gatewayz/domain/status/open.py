"""The status page and its incidents, as a configuration says."""

from collections.abc import Callable
from datetime import timedelta
from typing import NamedTuple

from gatewayz.config.settings import Settings
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.incidents.incidents import Incidents, IncidentStore
from gatewayz.domain.incidents.watch import IncidentWatch
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.domain.status.page import StatusPage
from gatewayz.domain.status.use import Use
from gatewayz.sdk.clock import Clock

__all__ = ["StatusParts", "open_status"]


class StatusParts(NamedTuple):
    """What endpoints read, and what one process at a time repeats."""

    incidents: Incidents
    page: StatusPage
    watch: IncidentWatch


def open_status(
    settings: Settings,
    store: IncidentStore,
    view: TrafficView,
    clock: Clock,
    current: Callable[[], tuple[Catalog, Breakers]],
) -> StatusParts:
    """Return the parts; `current` gives the catalog and the breakers in force."""
    use, incidents = Use(view, clock), Incidents(store, clock)
    forget = timedelta(hours=settings.observation.conditions.forget_hours)
    watch = IncidentWatch(store, view, use, clock, settings.status, forget=forget, current=current)
    return StatusParts(incidents, StatusPage(view, use, incidents, clock), watch)
