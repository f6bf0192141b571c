"""One round of looking after incidents, for one process at a time: reads, decides, counts errors, writes."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from gatewayz.config.sections.status import Status as Rules
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import State
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.incidents.decide import ProviderSeen, decide
from gatewayz.domain.incidents.incidents import IncidentStore
from gatewayz.domain.observation.traffic import OfferState, TrafficView
from gatewayz.domain.status.use import Use, served_by
from gatewayz.sdk.clock import Clock
from gatewayz.store.incident_records import WHOLE, Incident

__all__ = ["IncidentWatch"]

_LATE: Final = timedelta(minutes=1)
"""Failures that other processes saw are known here by then."""


class IncidentWatch:
    """Keeps nothing from one round to the next: another process may do that one.

    :param forget: what was not heard of for so long is unknown.
    :param current: the catalog and the breakers in force.
    """

    def __init__(
        self,
        store: IncidentStore,
        view: TrafficView,
        use: Use,
        clock: Clock,
        rules: Rules,
        *,
        forget: timedelta,
        current: Callable[[], tuple[Catalog, Breakers]],
    ) -> None:
        self._store = store
        self._view = view
        self._use = use
        self._clock = clock
        self._rules = rules
        self._forget = forget
        self._current = current

    async def check(self) -> None:
        """Compare conditions with the open incidents. Raises StoreUnavailable; doing it twice changes nothing."""
        active = await self._store.list_active()
        seen = await self._seen()
        now = self._clock.now()
        ends = await self._store.list_ends(now - self._forget)
        decisions = decide(seen, active, ends, now, timedelta(seconds=self._rules.recover_s))
        counted = [await self._counted(each, seen, now) for each in decisions.after]
        changed = [msgspec.structs.replace(each, updated_at=now) for each in counted if each not in active]
        if changed:
            await self._store.update(changed)
        if decisions.openings:
            await self._store.prune(now - timedelta(days=self._rules.keep_days))
            await self._store.open(decisions.openings, now)

    async def _seen(self) -> Mapping[str, ProviderSeen]:
        catalog, breakers = self._current()
        served, views = served_by(catalog), breakers.views()
        tiers = await self._use.tiers(catalog)
        states: dict[str, list[OfferState]] = {name: [] for name in served}
        for (provider, model), state in self._view.states().items():
            if model in served.get(provider, ()):
                states[provider].append(state)
        return {
            name: ProviderSeen(
                states=tuple(found),
                tiers={state.model: tiers[name, state.model] for state in found},
                served=len(served[name]),
                is_shut=name in views and views[name].state is State.OPEN,
            )
            for name, found in states.items()
        }

    async def _counted(self, incident: Incident, seen: Mapping[str, ProviderSeen], now: datetime) -> Incident:
        """Return an incident with the failures there were; they are only read again when there may be more."""
        states = seen[incident.provider].states if incident.provider in seen else ()
        failures = [
            state.last_failure_at
            for state in states
            if state.last_failure_at is not None and incident.model in (WHOLE, state.model)
        ]
        is_final = incident.resolved_at is not None
        if not is_final and max(failures, default=now - 2 * _LATE) <= incident.updated_at - _LATE:
            return incident
        model = None if incident.model == WHOLE else incident.model
        parts = await self._view.between(
            incident.started_at, now + timedelta(minutes=1), provider=incident.provider, model=model
        )
        count = sum(part.faults + part.failed_probes for part in parts)
        return msgspec.structs.replace(incident, error_count=count)
