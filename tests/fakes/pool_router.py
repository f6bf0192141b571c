"""A router that chooses the models it is told to, and remembers what it was asked."""

from collections.abc import Mapping, Sequence
from typing import Any

from gatewayz.sdk.interfaces import Ranking, RoutingCall, Signals
from gatewayz.sdk.offers import Offer

__all__ = ["FakePoolRouter"]


class FakeDecision:
    def __init__(self, first: str) -> None:
        self._first = first

    def metadata(self, answered: Offer) -> Mapping[str, Any]:
        return {"selected_model": answered.model, "first_choice": self._first}

    def report(self) -> Mapping[str, Any]:
        return {"model_id": self._first}


class FakePoolRouter:
    """Ranks the offers of `models` in that order."""

    def __init__(self, *models: str) -> None:
        self.models = models
        self.modes: Mapping[str, str] = {"balanced": "Balanced", "cost": "Cost"}
        self.names: Mapping[str, str] = {"router": "balanced", "router:small": "cost"}
        self.calls: list[RoutingCall] = []
        self.given: list[Sequence[Offer]] = []

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        self.calls.append(call)
        self.given.append(offers)
        chosen = tuple(offer for model in self.models for offer in offers if offer.model == model)
        decision = FakeDecision(self.models[0]) if self.models else None
        return Ranking(offers=chosen, reason="no vision (2)", decision=decision)

    def preview(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> FakeDecision:
        return FakeDecision(self.models[0])

    def describe(self) -> Mapping[str, Any]:
        return {}

    def stats(self) -> Mapping[str, Any]:
        return {}
