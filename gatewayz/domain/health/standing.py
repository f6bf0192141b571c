"""How models and providers stand at one moment, out of the record of traffic and the breakers; no second book.

Rules in words: docs/health.md. Source: spec 05 §3; spec 00 §13.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.circuit import State
from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.domain.health.score import score
from gatewayz.domain.health.shown import (
    DayTraffic,
    ModelStanding,
    ModelStatus,
    ProviderStanding,
    ProviderStatus,
    System,
)
from gatewayz.domain.observation.totals import total
from gatewayz.domain.observation.traffic import NOBODY, Condition, OfferState, Traffic, TrafficView
from gatewayz.sdk.errors import GatewayzError, ModelNotFound

__all__ = ["Standings"]

Key = tuple[str, str]

_MODEL: Final[Mapping[Condition, ModelStatus]] = {
    "healthy": "healthy",
    "degraded": "degraded",
    "down": "unhealthy",
    "unknown": "unknown",
}
_PROVIDER: Final[Mapping[Condition, ProviderStatus]] = {
    "healthy": "online",
    "degraded": "degraded",
    "down": "offline",
    "unknown": "unknown",
}


class Standings:
    """Of one configuration.

    :param configured: instances that are switched on.
    :param described: every instance there is an entry for.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        breakers: Breakers,
        configured: Iterable[str],
        described: Iterable[str],
        view: TrafficView,
        day: DayTraffic,
    ) -> None:
        self._catalog = catalog
        self._breakers = breakers
        self._configured = frozenset(configured)
        self._described = frozenset(described)
        self._view = view
        self._day = day

    @cached_property
    def models(self) -> Sequence[ModelStanding]:
        """Every model at every provider it was ever called or probed at."""
        return [self._offer(key, state) for key, state in sorted(self._states.items())]

    @cached_property
    def providers(self) -> Sequence[ProviderStanding]:
        """Every configured provider, and those that were ever called, by name."""
        return [self._provider(name) for name in sorted(self._configured | self._by_provider.keys())]

    def model(self, name: str) -> ModelStanding:
        """Return a model over all its providers, `unknown` when it was never called. Raises ModelNotFound."""
        try:
            model = self._catalog.resolve(name)
        except GatewayzError as err:
            if not (known := [state for (_, model), state in self._states.items() if model == name]):
                raise ModelNotFound(f"there is no model {name[:100]!r}", param="model_id") from err
            return self._over_providers(Model(id=name, name=name, offers=()), known)
        return self._over_providers(model, [state for key, state in self._states.items() if key[1] == model.id])

    def provider(self, word: str) -> ProviderStanding | None:
        """Return a provider by any of its names, None for one that nobody knows."""
        name = self._catalog.provider_named(word)
        found = next((each for each in self.providers if each.provider == name), None)
        return self._provider(name) if found is None and name in self._described else found

    @cached_property
    def system(self) -> System:
        """Everything together. Source: spec 00 §13."""
        models = [each.status for each in self.models]
        tracked = [each for each in self.providers if each.status != "unknown"]
        statuses = [each.status for each in tracked]
        known = len(models) - models.count("unknown")
        return System(
            overall_status=_overall(statuses, models),
            total_providers=len(self._configured),
            tracked_providers=len(tracked),
            healthy_providers=statuses.count("online"),
            degraded_providers=statuses.count("degraded"),
            unhealthy_providers=statuses.count("offline"),
            total_models=len(self._catalog.models()),
            tracked_models=known,
            healthy_models=models.count("healthy"),
            degraded_models=models.count("degraded"),
            unhealthy_models=models.count("unhealthy"),
            total_gateways=len(self._configured),
            healthy_gateways=sum(each.status == "online" and each.is_configured for each in tracked),
            system_uptime=round(100 * models.count("healthy") / known, 2) if known else None,
        )

    @cached_property
    def _states(self) -> Mapping[Key, OfferState]:
        return {key: state for key, state in self._view.states().items() if key[0] != NOBODY}

    @cached_property
    def _by_provider(self) -> Mapping[str, list[ModelStanding]]:
        groups: dict[str, list[ModelStanding]] = {}
        for each in self.models:
            groups.setdefault(each.provider, []).append(each)
        return groups

    @cached_property
    def _served(self) -> Mapping[str, int]:
        counts: dict[str, int] = {}
        for model in self._catalog.models():
            for provider in {offer.provider for offer in model.offers}:
                counts[provider] = counts.get(provider, 0) + 1
        return counts

    @cached_property
    def _shown_breakers(self) -> Mapping[str, State]:
        return {name: view.state for name, view in self._breakers.views().items()}

    @cached_property
    def _traffic(self) -> Mapping[str, list[Traffic]]:
        groups: dict[str, list[Traffic]] = {}
        for (provider, _), part in self._day.parts.items():
            groups.setdefault(provider, []).append(part)
        return groups

    def _offer(self, key: Key, state: OfferState) -> ModelStanding:
        provider, model_id = key
        circuit = self._circuit(provider, self._catalog.find(model_id))
        traffic = self._day.parts.get(key)
        return _standing(key, _MODEL[state.condition], circuit, [state], traffic)

    def _over_providers(self, model: Model, states: Sequence[OfferState]) -> ModelStanding:
        parts = [self._day.parts[key] for state in states if (key := (state.provider, state.model)) in self._day.parts]
        names = list(
            dict.fromkeys([*(offer.provider for offer in model.offers), *(state.provider for state in states)])
        )
        circuits = [self._circuit(name, model) for name in names]
        circuit = min(circuits, key=_BEST_FIRST.index, default=State.CLOSED)
        status = _MODEL[self._view.condition(model=model.id)]
        return _standing((names[0], model.id), status, circuit, states, total(parts) if parts else None)

    def _circuit(self, provider: str, model: Model | None) -> State:
        offers = () if model is None else model.offers
        return self._breakers.best_state(provider, [each.circuit for each in offers if each.provider == provider])

    def _provider(self, name: str) -> ProviderStanding:
        models = self._by_provider.get(name, [])
        statuses = [each.status for each in models]
        breaker = self._shown_breakers.get(name, State.CLOSED)
        day = total(self._traffic.get(name, ()))
        latest = _latest(models)
        return ProviderStanding(
            provider=name,
            gateway=name,
            status=_provider_status(_PROVIDER[self._view.condition(provider=name)], breaker),
            health_score=score(self._view.tallies().get(name, ())),
            total_models=self._served.get(name, 0),
            healthy_models=statuses.count("healthy"),
            degraded_models=statuses.count("degraded"),
            unhealthy_models=statuses.count("unhealthy"),
            avg_response_time_ms=_rounded(day.latency.mean()),
            overall_uptime=_percentage(_success_rate(day)),
            total_requests=day.attempts,
            error_count=day.faults,
            last_checked=None if latest is None else latest.last_checked,
            error_message=None if latest is None else latest.error_message,
            circuit_breaker_state=breaker.value,
            is_configured=name in self._configured,
        )


_BEST_FIRST: Final = (State.CLOSED, State.HALF_OPEN, State.OPEN)


def _standing(
    key: Key, status: ModelStatus, circuit: State, states: Sequence[OfferState], traffic: Traffic | None
) -> ModelStanding:
    """:param key: provider and model."""
    called = [state for state in states if state.last_called_at is not None]
    latest = max(called, key=lambda state: state.last_called_at or _NEVER, default=None)
    rate = None if traffic is None else _success_rate(traffic)
    return ModelStanding(
        model_id=key[1],
        provider=key[0],
        gateway=key[0],
        status=_model_status(status, circuit),
        response_time_ms=None if latest is None else _rounded(latest.last_response_ms),
        avg_response_time_ms=None if traffic is None else _rounded(traffic.latency.mean()),
        success_rate=rate,
        uptime_percentage=_percentage(rate),
        total_requests=0 if traffic is None else traffic.attempts,
        error_count=0 if traffic is None else traffic.faults,
        last_checked=None if latest is None else latest.last_called_at,
        last_success=max((at for state in states if (at := state.last_success_at) is not None), default=None),
        last_failure=max((at for state in states if (at := state.last_failure_at) is not None), default=None),
        error_message=None if latest is None or latest.last_outcome == "success" else latest.last_error,
        circuit_breaker_state=circuit.value,
    )


_NEVER: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def _latest(models: Iterable[ModelStanding]) -> ModelStanding | None:
    return max(models, key=lambda each: each.last_checked or _NEVER, default=None)


def _model_status(seen: ModelStatus, circuit: State) -> ModelStatus:
    """Return the status, at most as good as the circuit lets calls through."""
    if circuit is State.OPEN:
        return "unhealthy"
    return "degraded" if circuit is State.HALF_OPEN and seen != "unhealthy" else seen


def _provider_status(seen: ProviderStatus, breaker: State) -> ProviderStatus:
    if breaker is State.OPEN:
        return "offline"
    return "degraded" if breaker is State.HALF_OPEN and seen != "offline" else seen


def _overall(providers: Sequence[ProviderStatus], models: Sequence[ModelStatus]) -> ModelStatus:
    if not providers:
        return "unknown"
    if all(status == "online" for status in providers) and all(status in ("healthy", "unknown") for status in models):
        return "healthy"
    return "unhealthy" if 2 * providers.count("offline") >= len(providers) else "degraded"


def _success_rate(traffic: Traffic) -> float | None:
    bad = traffic.faults + traffic.failed_probes
    judged = traffic.successes + traffic.probes - traffic.failed_probes + bad
    return round(1 - bad / judged, 4) if judged else None


def _percentage(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 2)


def _rounded(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else round(milliseconds, 2)
