"""Model health out of the one record of traffic and the breakers; no second book."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from gatewayz.areas.model_health.schema import Health, ListQuery, UnhealthyQuery
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import CircuitKey
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.observation.traffic import OfferState, Traffic, TrafficView
from gatewayz.sdk.errors import GatewayzError, ModelNotFound, ResourceNotFound, StoreUnavailable

__all__ = ["ModelHealth"]

WINDOW: Final = timedelta(hours=24)
Key = tuple[str, str]


class ModelHealth:
    """What one configuration shows of its models.

    :param providers: every instance of the configuration, switched on or not.
    """

    def __init__(self, view: TrafficView, breakers: Breakers, catalog: Catalog, providers: Iterable[str]) -> None:
        self._view = view
        self._breakers = breakers
        self._catalog = catalog
        self._providers = frozenset(providers)

    async def list_models(self, query: ListQuery, now: datetime) -> dict[str, Any]:
        """Return a page of models that were ever called, by provider and model (4.6.1)."""
        provider = None if query.provider is None else self._catalog.provider_named(query.provider)
        found = [
            health
            for health in await self._all(now)
            if provider in (None, health.provider) and query.status in (None, health.status)
        ]
        return {
            "total": len(found),
            "limit": query.limit,
            "offset": query.offset,
            "filters": {"provider": query.provider, "status": query.status},
            "models": found[query.offset : query.offset + query.limit],
        }

    async def stats(self, now: datetime) -> dict[str, Any]:
        """Return sums over everything (4.6.2)."""
        traffic = await self._traffic(now)
        return {"total_models": len(self._view.states()), **_sums(traffic.values())}

    async def by_provider(self, now: datetime) -> dict[str, Any]:
        """Return sums for each provider that was ever called (4.6.3)."""
        traffic = await self._traffic(now)
        names = sorted({provider for provider, _ in self._view.states()})
        shown = [self._provider(name, traffic) for name in names]
        return {"total_providers": len(shown), "providers": shown}

    async def unhealthy(self, query: UnhealthyQuery, now: datetime) -> dict[str, Any]:
        """Return models whose share of errors is at or above a threshold, the worst first (4.6.4)."""
        found = [
            (1.0 - health.success_rate, health)
            for health in await self._all(now)
            if health.call_count >= query.min_calls and health.success_rate is not None
        ]
        found = [(share, health) for share, health in found if share and share >= query.error_threshold]
        found.sort(key=lambda pair: (-pair[0], pair[1].provider, pair[1].model))
        return {
            "threshold": query.error_threshold,
            "min_calls": query.min_calls,
            "total_unhealthy": len(found),
            "models": [health for _, health in found],
        }

    async def one(self, provider: str, model: str, now: datetime) -> Health:
        """Return one model at one provider, `unknown` when it was never called (4.6.5). Raises ModelNotFound."""
        key = self._key(provider, model)
        return self._health(key, self._view.states().get(key), (await self._traffic(now)).get(key))

    async def provider_summary(self, name: str, now: datetime) -> dict[str, Any]:
        """Return sums of one provider, zeros when it was never called (4.6.6). Raises ResourceNotFound."""
        provider = self._catalog.provider_named(name)
        if provider not in self._providers and all(known != provider for known, _ in self._view.states()):
            raise ResourceNotFound(f"there is no provider {name[:80]!r}", param="provider")
        return self._provider(provider, await self._traffic(now))

    def _key(self, provider: str, model: str) -> Key:
        name = self._catalog.provider_named(provider)
        if (name, model) in self._view.states():
            return name, model
        try:
            found = self._catalog.resolve(model)
        except GatewayzError as err:
            raise ModelNotFound(f"there is no model {model[:100]!r}", param="model") from err
        if all(offer.provider != name for offer in found.offers):
            raise ModelNotFound(f"{provider[:80]!r} does not serve {found.id!r}", param="model")
        return name, found.id

    async def _all(self, now: datetime) -> list[Health]:
        traffic = await self._traffic(now)
        return [self._health(key, state, traffic.get(key)) for key, state in sorted(self._view.states().items())]

    async def _traffic(self, now: datetime) -> Mapping[Key, Traffic]:
        try:
            found = await self._view.between(now - WINDOW, now + timedelta(minutes=1))
        except StoreUnavailable:
            found = self._view.recent()  # health is shown whatever is down: the last hour, from memory
        return {(each.provider, each.model): each for each in found}

    def _provider(self, name: str, traffic: Mapping[Key, Traffic]) -> dict[str, Any]:
        models = {model for provider, model in self._view.states() if provider == name}
        return {
            "provider": name,
            "status": self._view.condition(provider=name),
            "model_count": len(models),
            "total_models": len(models),
            **_sums(each for (provider, _), each in traffic.items() if provider == name),
        }

    def _circuits(self, key: Key) -> list[CircuitKey]:
        model = self._catalog.find(key[1])
        return [] if model is None else [offer.circuit for offer in model.offers if offer.provider == key[0]]

    def _health(self, key: Key, state: OfferState | None, traffic: Traffic | None) -> Health:
        provider, model = key
        facts: dict[str, Any] = {"provider": provider, "model": model, "gateway": provider, "status": "unknown"}
        facts["circuit_breaker_state"] = self._breakers.best_state(provider, self._circuits(key)).value
        if state is not None:
            facts |= {
                "status": state.condition,
                "last_status": state.last_outcome,
                "last_status_code": state.last_status,
                "last_called_at": _iso(state.last_called_at),
                "last_success_at": _iso(state.last_success_at),
                "last_failure_at": _iso(state.last_failure_at),
                "last_response_time_ms": state.last_response_ms,
                "last_error_message": state.last_error,
                "consecutive_failures": state.consecutive_failures,
            }
        if traffic is not None:
            facts |= {
                "call_count": traffic.attempts,
                "success_count": traffic.successes,
                "error_count": traffic.faults,
                "rate_limited_count": traffic.rate_limited,
                "success_rate": _rate(traffic.successes, traffic.faults),
                "average_response_time_ms": traffic.latency.mean(),
                "p95_response_time_ms": traffic.latency.quantile(0.95),
                "input_tokens": traffic.input_tokens,
                "output_tokens": traffic.output_tokens,
                "total_tokens": traffic.input_tokens + traffic.output_tokens,
            }
        return Health(**facts)


def _sums(traffic: Iterable[Traffic]) -> dict[str, Any]:
    every = list(traffic)
    successes, errors = _total(every, lambda each: each.successes), _total(every, lambda each: each.faults)
    timed = [(each.latency.count, mean) for each in every if (mean := each.latency.mean()) is not None]
    answers = sum(count for count, _ in timed)
    return {
        "total_calls": _total(every, lambda each: each.attempts),
        "total_success": successes,
        "total_errors": errors,
        "average_response_time": sum(count * mean for count, mean in timed) / answers if answers else None,
        "success_rate": _rate(successes, errors),
    }


def _total(traffic: Sequence[Traffic], count: Callable[[Traffic], int]) -> int:
    return sum(map(count, traffic))


def _rate(successes: int, errors: int) -> float | None:
    return round(successes / (successes + errors), 4) if successes + errors else None


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
