"""Availability out of breakers, traffic and announcements; no second book. Rules in words: docs/availability.md."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from gatewayz.areas.availability.schema import Availability, ListQuery, Status
from gatewayz.domain.breakers.circuit import State
from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.maintenance.maintenance import Maintenance
from gatewayz.domain.observation.traffic import Condition, OfferState, Traffic, TrafficView
from gatewayz.flow.edition import Edition
from gatewayz.sdk.errors import GatewayzError, ModelNotFound
from gatewayz.sdk.interfaces import RoutingCall
from gatewayz.sdk.offers import Offer

__all__ = ["OPERATIONAL_ABOVE", "ModelAvailability"]

OPERATIONAL_ABOVE: Final = 90.0
"""Per cent of the tracked models. Source: spec 00 §13."""

MODELS_AT_ONCE: Final = 32

_STATUS: Final[Mapping[Condition, Status]] = {
    "healthy": "available",
    "degraded": "degraded",
    "down": "unavailable",
    "unknown": "unknown",
}
Key = tuple[str, str]


class ModelAvailability:
    """What one configuration shows, at one moment."""

    def __init__(self, edition: Edition, view: TrafficView, maintenance: Maintenance) -> None:
        self._edition = edition
        self._catalog = edition.catalog
        self._view = view
        self._maintenance = maintenance

    async def list_offers(self, query: ListQuery) -> list[Availability]:
        """Return every model at every provider that serves it, by model (4.8.1)."""
        wanted = {self._catalog.provider_named(name) for name in (query.gateway, query.provider) if name}
        end = query.offset + query.limit
        found: list[Availability] = []
        for number, model in enumerate(self._catalog.models()):
            if number % MODELS_AT_ONCE == 0:
                await asyncio.sleep(0)  # thousands of rows take a while, and others are served by the same loop
            for offers in _by_provider(model):
                if wanted <= {offers[0].provider}:
                    shown = self._of_provider(model, offers)
                    if query.status in (None, shown.status):
                        found.append(shown)
            if len(found) >= end:
                break
        return found[query.offset : end]

    def model(self, name: str) -> Availability:
        """Return one model over all its providers, by any of its names (4.8.2). Raises ModelNotFound."""
        return self._of_model(self.find(name))

    def summary(self, now: datetime) -> dict[str, Any]:
        """Return counts of the models that were ever called or are in maintenance (4.8.3)."""
        models = self._tracked()
        counts = Counter(each.status for each in models)
        gateways: dict[str, Counter[str]] = {}
        for provider, model in self._states:
            if (found := self._catalog.find(model)) is not None:
                offers = next((each for each in _by_provider(found) if each[0].provider == provider), None)
                if offers is not None:
                    gateways.setdefault(provider, Counter())[self._of_provider(found, offers).status] += 1
        return {
            "total_models": len(models),
            "available_models": counts["available"],
            "degraded_models": counts["degraded"],
            "unavailable_models": counts["unavailable"],
            "maintenance_models": counts["maintenance"],
            "unknown_models": counts["unknown"],
            "catalogued_models": len(self._catalog.models()),
            "availability_percentage": _percentage(models),
            "gateway_stats": {
                name: {"total": stats.total(), **dict(sorted(stats.items()))}
                for name, stats in sorted(gateways.items())
            },
            "monitoring_active": True,
            "last_updated": now.isoformat(),
        }

    def status(self, now: datetime) -> dict[str, Any]:
        """Return one word for everything: degraded when a tenth of the tracked models cannot be had (4.8.4)."""
        models = self._tracked()
        percentage = _percentage(models)
        return {
            "status": "operational" if percentage is None or percentage > OPERATIONAL_ABOVE else "degraded",
            "availability_percentage": percentage,
            "total_models": len(models),
            "available_models": sum(each.available for each in models),
            "monitoring_active": True,
            "timestamp": now.isoformat(),
        }

    def check(self, name: str) -> dict[str, Any]:
        """Return whether a model can be called; one that is not catalogued cannot (4.8.5)."""
        try:
            shown = self.model(name)
        except ModelNotFound:
            return {"model_id": name, "available": False, "status": "unknown", "in_catalog": False}
        return {
            "model_id": shown.model_id,
            "available": shown.available,
            "status": shown.status,
            "in_catalog": True,
            "response_time_ms": shown.response_time_ms,
            "success_rate": shown.success_rate,
            "circuit_breaker_state": shown.circuit_breaker_state,
            "maintenance_until": shown.maintenance_until,
            "last_checked": shown.last_checked,
        }

    def fallback(self, name: str) -> dict[str, Any]:
        """Return what can be taken instead: other models, and the other providers of this one (4.8.6)."""
        model = self.find(name)
        models = [self._of_model(found) for each in self.substitutes(model) if (found := self._catalog.find(each))]
        providers = [self._of_provider(model, offers) for offers in _by_provider(model)]
        whole = self._of_model(model)
        candidates = [whole, *models]
        return {
            "primary_model": model.id,
            "fallback_models": [
                {"model_id": each.model_id, "available": each.available, "status": each.status} for each in models
            ],
            "fallback_providers": [
                {
                    "provider": each.provider,
                    "available": each.available,
                    "status": each.status,
                    "circuit_breaker_state": each.circuit_breaker_state,
                    "response_time_ms": each.response_time_ms,
                }
                for each in providers
            ],
            "best_available": next((each.model_id for each in candidates if each.available), None),
        }

    def best(self, name: str) -> dict[str, Any]:
        """Return where a call is best sent: the model itself when it can be had, else a substitute (4.8.7)."""
        model = self.find(name)
        candidates = [model, *filter(None, map(self._catalog.find, self.substitutes(model)))]
        chosen = next((each for each in candidates if self._of_model(each).available), None)
        offer = None if chosen is None else self._first_tried(chosen)
        shown = self._of_model(chosen or model)
        return {
            "primary_model": model.id,
            "best_available": None if chosen is None else chosen.id,
            "best_provider": None if offer is None else offer.provider,
            "is_primary": chosen is model,
            "availability": shown.status,
            "success_rate": shown.success_rate,
            "response_time_ms": shown.response_time_ms,
        }

    def find(self, name: str) -> Model:
        """Return the model that a name means. Raises ModelNotFound."""
        try:
            return self._catalog.resolve(name)
        except GatewayzError as err:
            raise ModelNotFound(f"there is no model {name[:100]!r}", param="model_id") from err

    def substitutes(self, model: Model) -> tuple[str, ...]:
        """Return the ids of models that the configuration names in place of one, those that can be called."""
        named = self._edition.settings.fallbacks.get(model.id, ())
        return tuple(each for each in named if self._catalog.find(each) is not None)

    @cached_property
    def _states(self) -> Mapping[Key, OfferState]:
        return self._view.states()

    @cached_property
    def _traffic(self) -> Mapping[Key, Traffic]:
        return {(each.provider, each.model): each for each in self._view.recent()}

    def _tracked(self) -> list[Availability]:
        called = {model for _, model in self._states}
        return [
            self._of_model(model)
            for model in self._catalog.models()
            if model.id in called or self._maintenance.of(model.id) is not None
        ]

    def _of_provider(self, model: Model, offers: Sequence[Offer]) -> Availability:
        state = self._states.get((offers[0].provider, model.id))
        return self._shown(model, offers, "unknown" if state is None else _STATUS[state.condition])

    def _of_model(self, model: Model) -> Availability:
        parts = {self._of_provider(model, offers).status for offers in _by_provider(model)} - {"unknown", "maintenance"}
        status: Status = "unknown" if not parts else parts.pop() if len(parts) == 1 else "degraded"
        return self._shown(model, model.offers, status)

    def _shown(self, model: Model, offers: Sequence[Offer], status: Status) -> Availability:
        signals = self._edition.signals
        keys = list(dict.fromkeys((offer.provider, model.id) for offer in offers))
        state = min((self._state_at(provider, offers) for provider, _ in keys), key=_BEST_FIRST.index)
        is_ready = any(not signals.is_open(offer) and not signals.is_cooling(offer) for offer in offers)
        announced = self._maintenance.of(model.id)
        if announced is not None:
            status = "maintenance"
        elif state is State.OPEN:
            status = "unavailable"
        elif (state is State.HALF_OPEN or not is_ready) and status in ("available", "unknown"):
            status = "degraded"
        facts = [self._states[key] for key in keys if key in self._states]
        traffic = [self._traffic[key] for key in keys if key in self._traffic]
        latest = max(facts, key=lambda each: each.last_called_at or _LONG_AGO, default=None)
        return Availability(
            model_id=model.id,
            provider=offers[0].provider,
            gateway=offers[0].provider,
            status=status,
            available=is_ready and announced is None,
            last_checked=_iso(None if latest is None else latest.last_called_at),
            success_rate=_success_rate(traffic),
            response_time_ms=_median_ms(traffic),
            error_count=sum(each.faults for each in traffic),
            circuit_breaker_state=state.value,
            fallback_models=self.substitutes(model),
            maintenance_until=_iso(None if announced is None else announced.until),
            error_message=_last_error(latest),
        )

    def _state_at(self, provider: str, offers: Sequence[Offer]) -> State:
        circuits = [offer.circuit for offer in offers if offer.provider == provider]
        return self._edition.breakers.best_state(provider, circuits)

    def _first_tried(self, model: Model) -> Offer | None:
        call = RoutingCall(requested_model=model.id, model=model.id, prompt_tokens=0)
        ranking = self._edition.router.rank(call, model.offers, self._edition.signals)
        return next(iter(ranking.offers), None)


_LONG_AGO: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_BEST_FIRST: Final = (State.CLOSED, State.HALF_OPEN, State.OPEN)


def _by_provider(model: Model) -> list[list[Offer]]:
    """Return the offers of each provider, in the order to try."""
    groups: dict[str, list[Offer]] = {}
    for offer in model.offers:
        groups.setdefault(offer.provider, []).append(offer)
    return list(groups.values())


def _percentage(models: Sequence[Availability]) -> float | None:
    known = [each for each in models if each.status != "unknown"]
    return round(100.0 * sum(each.available for each in known) / len(known), 2) if known else None


def _success_rate(traffic: Iterable[Traffic]) -> float | None:
    every = list(traffic)
    successes, told = sum(each.successes for each in every), sum(each.successes + each.faults for each in every)
    return round(successes / told, 4) if told else None


def _median_ms(traffic: Sequence[Traffic]) -> float | None:
    """Return the median of the provider with the most answers."""
    busiest = max(traffic, key=lambda each: each.latency.count, default=None)
    return None if busiest is None else busiest.latency.quantile(0.5)


def _last_error(state: OfferState | None) -> str | None:
    return None if state is None or state.last_outcome == "success" else state.last_error


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
