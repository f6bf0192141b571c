"""The status page as data: answers whatever is down, with nulls for what cannot be known then."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, NamedTuple

import msgspec

from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import State
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.health.fresh import Fresh
from gatewayz.domain.incidents.incidents import Incidents
from gatewayz.domain.observation.conditions import joint_condition
from gatewayz.domain.observation.traffic import Condition, OfferState, Traffic, TrafficView
from gatewayz.domain.status.history import history_of, provider_bars
from gatewayz.domain.status.shown import (
    Checks,
    DataPoint,
    OfferStatus,
    Overall,
    ProviderStatus,
    Word,
    average_ms,
    checks_of,
    offer_word,
    word_of,
)
from gatewayz.domain.status.tiers import TIERS, Offered, Tier
from gatewayz.domain.status.use import Period, Readings, Use, served_by
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound, StoreUnavailable
from gatewayz.store.incident_records import WHOLE

__all__ = ["StatusPage"]

_SHOWN_OF_PROVIDERS: Final[tuple[Period, ...]] = ("24h", "7d")
_BARS_KEPT_S: Final = 30.0
_ROWS_AT_ONCE: Final = 32


class StatusPage:
    """What is shown, of the catalog and the breakers in force.

    :param incidents: those under way.
    """

    def __init__(self, view: TrafficView, use: Use, incidents: Incidents, clock: Clock) -> None:
        self._view = view
        self._use = use
        self._incidents = incidents
        self._clock = clock
        self._bars = Fresh(lambda: provider_bars(view, clock.now()), clock, kept_s=_BARS_KEPT_S)
        self._served: tuple[Catalog, Mapping[str, frozenset[str]]] | None = None

    async def overall(self, catalog: Catalog) -> Overall:
        """Return one word for everything, and what it rests on (15.1)."""
        states = self._tracked(catalog)
        conditions = [state.condition for state in states.values()]
        counts = Counter(conditions)
        gateways = Counter(joint_condition(each) for each in _conditions_by_provider(states).values())
        known = gateways.total() - gateways["unknown"]
        word = word_of(conditions)
        checks = await self.checks()
        return Overall(
            status=word,
            status_message=_message(word, counts),
            uptime_percentage=None if checks is None else checks.percentage,
            total_models=len(states),
            healthy_models=counts["healthy"],
            degraded_models=counts["degraded"],
            offline_models=counts["down"],
            unknown_models=counts["unknown"],
            total_providers=len(self._of(catalog)),
            total_gateways=known,
            healthy_gateways=gateways["healthy"],
            gateway_health_percentage=round(100.0 * gateways["healthy"] / known, 2) if known else None,
            active_incidents=len(self._incidents.active()),
            last_updated=self._clock.now(),
        )

    async def providers(self, catalog: Catalog, name_of: Callable[[str], str]) -> list[ProviderStatus]:
        """Return every provider that serves models, by name (15.3).

        :param name_of: the name for people of a provider instance.
        """
        day, week = [_by_provider(await self._use.of(period)) for period in _SHOWN_OF_PROVIDERS]
        tracked: dict[str, list[OfferState]] = {}
        for (provider, _), state in self._tracked(catalog).items():
            tracked.setdefault(provider, []).append(state)
        incidents = Counter(each.provider for each in self._incidents.active())
        rows = []
        for provider, models in self._of(catalog).items():
            states = tracked.get(provider, [])
            counts = Counter(state.condition for state in states)
            rows.append(
                ProviderStatus(
                    name=name_of(provider),
                    gateway=provider,
                    status=word_of(state.condition for state in states),
                    uptime_24h=checks_of(day.get(provider, ())).percentage,
                    uptime_7d=checks_of(week.get(provider, ())).percentage,
                    total_models=len(models),
                    healthy_models=counts["healthy"],
                    offline_models=counts["down"],
                    avg_response_time_ms=average_ms(day.get(provider, ())),
                    last_checked=max((each.last_called_at for each in states if each.last_called_at), default=None),
                    active_incidents=incidents[provider],
                )
            )
        return sorted(rows, key=lambda row: row.name.lower())

    async def offers(
        self,
        catalog: Catalog,
        breakers: Breakers,
        *,
        limit: int,
        offset: int = 0,
        fits: Callable[[Offered, Tier, Condition], bool],
    ) -> list[OfferStatus]:
        """Return offers, those used most first (15.4, 15.8).

        :param fits: tells by offer, tier and condition which are wanted.
        """
        known = await self._known(catalog)
        wanted = [
            offer
            for offer, tier in known.tiers.items()
            if fits(offer, tier, known.states[offer].condition if offer in known.states else "unknown")
        ]
        rows: list[OfferStatus] = []
        for offer in wanted[offset : offset + limit]:
            if len(rows) % _ROWS_AT_ONCE == 0:
                await asyncio.sleep(0)  # a thousand rows take a while, and others are served by the same loop
            rows.append(self._offer(catalog, breakers, known, offer))
        return rows

    async def offer(self, catalog: Catalog, breakers: Breakers, offered: Offered) -> OfferStatus:
        """Return one offer, `unknown` when it was never called (15.5). Raises ModelNotFound."""
        self.check_known(catalog, offered)
        return self._offer(catalog, breakers, await self._known(catalog), offered)

    def check_known(self, catalog: Catalog, offered: Offered) -> None:
        """Raise ModelNotFound for an offer that is neither served nor remembered."""
        provider, model = offered
        if not self._is_served(catalog, offered) and offered not in self._states():
            raise ModelNotFound(f"{provider[:80]!r} does not serve {model[:100]!r}", param="model_id")

    async def history(self, offered: Offered, period: Period) -> list[DataPoint]:
        """Return an offer hour by hour, or day by day for 30 days (15.7); nothing while it cannot be read."""
        return await history_of(self._view, offered, period, self._clock.now())

    async def bars(self) -> Mapping[str, list[DataPoint]]:
        """Return each provider's last 90 days, at most half a minute old; nothing while they cannot be read."""
        try:
            return await self._bars.get()
        except (StoreUnavailable, InvalidRequest):  # away, or more figures than can be read at once
            return {}

    async def tier_counts(self, catalog: Catalog) -> dict[Tier, int]:
        """Return how many offers are in each tier (15.9)."""
        counts = Counter((await self._use.tiers(catalog)).values())
        return {tier: counts[tier] for tier in TIERS}

    async def checks(self) -> Checks | None:
        """Return all checks of the last 24 hours, None while they cannot be read (15.9)."""
        day = await self._use.of("24h")
        return None if day is None else checks_of(day.values())

    async def _known(self, catalog: Catalog) -> "_Known":
        return _Known(
            day=await self._use.of("24h"),
            week=await self._use.of("7d"),
            month=await self._use.of("30d"),
            tiers=await self._use.tiers(catalog),
            states=self._states(),
            out=frozenset(each.subject for each in self._incidents.active()),
        )

    def _offer(self, catalog: Catalog, breakers: Breakers, known: "_Known", offered: Offered) -> OfferStatus:
        provider, model = offered
        state = known.states.get(offered)
        day = (known.day or {}).get(offered)
        return OfferStatus(
            model_id=model,
            provider=provider,
            gateway=provider,
            status=offer_word("unknown" if state is None else state.condition),
            tier=known.tiers.get(offered, "on_demand"),
            uptime_24h=_uptime(known.day, offered),
            uptime_7d=_uptime(known.week, offered),
            uptime_30d=_uptime(known.month, offered),
            avg_response_time_ms=None if day is None else average_ms([day]),
            last_checked=None if state is None else state.last_called_at,
            last_success=None if state is None else state.last_success_at,
            last_failure=None if state is None else state.last_failure_at,
            circuit_breaker_state=_circuit_state(catalog, breakers, offered).value,
            active_incidents=((provider, WHOLE) in known.out) + (offered in known.out),
            consecutive_failures=0 if state is None else state.consecutive_failures,
            usage_24h=None if known.day is None else 0 if day is None else day.requests,
            is_enabled=self._is_served(catalog, offered),
        )

    def _of(self, catalog: Catalog) -> Mapping[str, frozenset[str]]:
        if self._served is None or self._served[0] is not catalog:
            self._served = catalog, served_by(catalog)
        return self._served[1]

    def _is_served(self, catalog: Catalog, offered: Offered) -> bool:
        return offered[1] in self._of(catalog).get(offered[0], ())

    def _tracked(self, catalog: Catalog) -> Mapping[Offered, OfferState]:
        """Return the offers that are served now and were ever called or probed."""
        return {offer: state for offer, state in self._states().items() if self._is_served(catalog, offer)}

    def _states(self) -> Mapping[Offered, OfferState]:
        """Return what is known of offers; those of a provider that is out as a whole are down until they answer."""
        states = self._view.states()
        out = {each.provider: each.started_at for each in self._incidents.active() if each.model == WHOLE}
        if not out:
            return states
        return {
            offer: msgspec.structs.replace(state, condition="down")
            if offer[0] in out and state.condition != "unknown" and not _has_answered(state, out[offer[0]])
            else state
            for offer, state in states.items()
        }


class _Known(NamedTuple):
    """What rows of offers are made of."""

    day: Readings | None
    week: Readings | None
    month: Readings | None
    tiers: Mapping[Offered, Tier]
    states: Mapping[Offered, OfferState]
    out: frozenset[Offered]
    """Subjects of the incidents under way."""


def _message(word: Word, counts: Counter[Condition]) -> str:
    known = counts.total() - counts["unknown"]
    match word:
        case "unknown":
            return "Nothing has been called or probed within a day."
        case "operational":
            slow = counts["degraded"]
            return f"All models answer, {slow} of {known} with errors." if slow else "All models answer."
        case "degraded" | "major_outage":
            return f"{counts['down']} of {known} models do not answer."


def _has_answered(state: OfferState, since: datetime) -> bool:
    return state.condition != "down" and state.last_success_at is not None and state.last_success_at > since


def _conditions_by_provider(states: Mapping[Offered, OfferState]) -> Mapping[str, list[Condition]]:
    groups: dict[str, list[Condition]] = {}
    for (provider, _), state in states.items():
        groups.setdefault(provider, []).append(state.condition)
    return groups


def _by_provider(readings: Readings | None) -> Mapping[str, list[Traffic]]:
    groups: dict[str, list[Traffic]] = {}
    for part in (readings or {}).values():
        groups.setdefault(part.provider, []).append(part)
    return groups


def _uptime(readings: Readings | None, offered: Offered) -> float | None:
    traffic = (readings or {}).get(offered)
    return None if traffic is None else checks_of([traffic]).percentage


def _circuit_state(catalog: Catalog, breakers: Breakers, offered: Offered) -> State:
    provider, model_id = offered
    model = catalog.find(model_id)
    circuits = [] if model is None else [offer.circuit for offer in model.offers if offer.provider == provider]
    return breakers.best_state(provider, circuits)
