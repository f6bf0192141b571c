"""Chooses among models for any prompt. Source: spec 01 §3, spec 06 §2; docs/decisions/0138-choosing-a-model.md."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Ranking, RoutingCall, Signals
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.outcomes import AnswerEnd, Opinion
from gatewayz_plugins.routers.general.decision import GeneralDecision
from gatewayz_plugins.routers.general.settings import GeneralMode, GeneralSettings
from gatewayz_plugins.routers.prompt_score import load_scorer
from gatewayz_plugins.routers.selection.candidates import Candidate, Demand, Listing, Shortlist, shortlist
from gatewayz_plugins.routers.selection.choice import keep, order
from gatewayz_plugins.routers.selection.conversations import Conversations
from gatewayz_plugins.routers.selection.facts import Ability, ability_of
from gatewayz_plugins.routers.selection.learning import Learning
from gatewayz_plugins.routers.selection.scoring import NO_DEMAND, Scores, demand_of
from gatewayz_plugins.routers.selection.tally import Tally

__all__ = ["GeneralRouter"]

MODEL_UNAVAILABLE: Final = "model_unavailable"

Served = Mapping[str, tuple[Offer, ...]]


class GeneralRouter:
    """See `gatewayz.sdk.interfaces.PoolRouter`.

    :param scores: who scores prompts; the scorer that comes with the routers when None.
    """

    def __init__(self, settings: GeneralSettings, context: PluginContext, *, scores: Scores | None = None) -> None:
        self._settings = settings
        self._logger = context.logger
        self._name = context.instance
        self._scores = load_scorer() if scores is None else scores
        self._guess = Ability(domains={}, overall=settings.unknown_ability, is_known=False)
        self._abilities = {
            model.model: ability_of(model.figures, settings.benchmarks, settings.unknown_ability)
            for model in settings.models
        }
        self._listing = Listing(self._abilities)
        self._learning = Learning(settings.learning, self._abilities, self._guess)
        self._conversations = Conversations()
        self._tally = Tally(context.clock)
        self.modes: Mapping[str, str] = {name: mode.label for name, mode in settings.modes.items()}
        self.names: Mapping[str, str] = settings.names

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        """Return the offers of the chosen model and of those next to it. See `PoolRouter.rank`."""
        self._learning.hear(call)
        served = self._listing.of_pool(offers)
        reason = None if served else MODEL_UNAVAILABLE
        decision = self._decide(call, served or self._listing.of_all(offers), signals, reason)
        if not decision.ordered:
            self._tally.refused += 1
            return Ranking(offers=(), reason=decision.reasoning)
        self._conversations.remember(call, decision.chosen.model)
        self._tally.decided(mode=call.mode, model=decision.chosen.model, fallback_reason=decision.fallback_reason)
        return Ranking(offers=decision.offers, reason=decision.reasoning, decision=decision)

    def preview(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> GeneralDecision:
        """Return what would be decided; of the pool's models as the data has them when none is served."""
        served = self._listing.of_pool(offers)
        absent = {model.model: (model.stand_in(),) for model in self._settings.models if model.model not in served}
        decision = self._decide(call, served or absent, signals, None)
        others = self._list(call, absent, decision.demand, signals) if served else None
        return decision.with_absent(others.candidates if others else (), is_served=bool(served))

    def describe(self) -> Mapping[str, Any]:
        """Return the pool, the modes and their chains."""
        settings = self._settings
        return {
            "models": [
                {
                    "notdiamond_id": model.selector_name,
                    "gatewayz_id": model.id,
                    "provider": model.provider,
                    "available_on": list(model.available_on),
                    "figures": model.figures,
                    "source": model.source,
                    "date": model.date,
                }
                for model in settings.models
            ],
            "modes": [
                {"value": name, "label": mode.label, "description": mode.description}
                for name, mode in settings.modes.items()
            ],
            "chains": {name: list(mode.chain) for name, mode in settings.modes.items()},
            "names": dict(self.names),
        }

    def stats(self) -> Mapping[str, Any]:
        """Return counts of this process's decisions, and what it learnt from their outcomes."""
        return {**self._tally.shown(), "learning": self._learning.shown()}

    @property
    def is_listening(self) -> bool:
        """See `gatewayz.sdk.outcomes.HearsOutcomes`: only with learning switched on."""
        return self._learning.is_enabled

    def hear_end(self, end: AnswerEnd) -> None:
        """Take the end of an answer as an outcome."""
        if isinstance(end.decision, GeneralDecision):
            self._learning.hear_end(end, end.decision.demand.domain)

    def hear_opinion(self, opinion: Opinion) -> None:
        """Take what a user says of an answer as an outcome."""
        self._learning.hear_opinion(opinion)

    def _decide(self, call: RoutingCall, served: Served, signals: Signals, reason: str | None) -> GeneralDecision:
        mode = self._settings.modes[call.mode]
        try:
            if not self._settings.score_prompts:
                return self._along_chain(call, served, signals, "disabled")
            demand = demand_of(self._scores, call.prompt)
            listed = self._list(call, served, demand, signals)
            ordered = order(listed.candidates, mode)
            held = self._held(call, served, signals, mode)
            is_kept = held is not None and keep(ordered, held, mode, self._settings.slack)
        except Exception:  # a decision never fails a request (spec 06 §2): the mode's chain needs none
            self._logger.exception("a prompt could not be routed; the chain of mode %s is taken", call.mode)
            return self._along_chain(call, served, signals, "exception")
        return GeneralDecision(
            router=self._name,
            mode=call.mode,
            objective=mode,
            listed=listed,
            ordered=tuple(ordered),
            demand=demand,
            fallback_reason=reason,
            is_kept=is_kept,
        )

    def _held(self, call: RoutingCall, served: Served, signals: Signals, mode: GeneralMode) -> str | None:
        """Return the model a conversation has: remembered, or found as it was when the conversation began."""
        if call.user_messages < 2:
            return None
        if (known := self._conversations.find(call)) is not None:
            return known
        then = order(self._list(call, served, demand_of(self._scores, call.opening), signals).candidates, mode)
        return then[0].model if then else None

    def _along_chain(self, call: RoutingCall, served: Served, signals: Signals, reason: str) -> GeneralDecision:
        mode = self._settings.modes[call.mode]
        listed = self._list(call, served, NO_DEMAND, signals)
        ordered = sorted(listed.candidates, key=lambda candidate: _place(candidate, mode))
        return GeneralDecision(
            router=self._name,
            mode=call.mode,
            objective=mode,
            listed=listed,
            ordered=tuple(ordered),
            demand=NO_DEMAND,
            fallback_reason=reason,
        )

    def _list(self, call: RoutingCall, served: Served, demand: Demand, signals: Signals) -> Shortlist:
        return shortlist(
            call,
            served,
            demand,
            self._learning.abilities,
            guess=self._guess,
            signals=signals,
            latencies=self._settings.latency if self._settings.modes[call.mode].least == "latency" else None,
        )


def _place(candidate: Candidate, mode: GeneralMode) -> int:
    """Return a candidate's place in a mode's chain, whose names are ids of models or `provider/its own id`."""
    names = {candidate.model, *(f"{offer.provider}/{offer.upstream_model}" for offer in candidate.offers)}
    return next((place for place, name in enumerate(mode.chain) if name in names), len(mode.chain))
