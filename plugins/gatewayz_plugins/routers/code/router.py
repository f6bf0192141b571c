"""Chooses a model for a programming task. Source: spec 06 §1; docs/decisions/0138-choosing-a-model.md."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Ranking, RoutingCall, Signals
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.outcomes import AnswerEnd, Opinion
from gatewayz_plugins.routers.code.classify import Classified, Classifier, context_of
from gatewayz_plugins.routers.code.decision import CodeDecision, Ranked
from gatewayz_plugins.routers.code.pages import options_page, tiers_page
from gatewayz_plugins.routers.code.settings import CodeModel, CodeSettings
from gatewayz_plugins.routers.code.tiers import points_of, tier_of, tiers_to_look_in
from gatewayz_plugins.routers.prompt_score import load_scorer
from gatewayz_plugins.routers.selection.candidates import Candidate, Demand, Listing, Shortlist, shortlist
from gatewayz_plugins.routers.selection.conversations import Conversations
from gatewayz_plugins.routers.selection.facts import Ability, ability_of
from gatewayz_plugins.routers.selection.learning import Learning
from gatewayz_plugins.routers.selection.scoring import NO_DEMAND, Scores, demand_of
from gatewayz_plugins.routers.selection.tally import Tally

__all__ = ["CodeRouter"]

_CODE: Final[Mapping[str, float]] = {"code": 1.0}
"""What the known figures tell of; what is learnt is told apart by class of task."""

Served = Mapping[str, tuple[Offer, ...]]


class CodeRouter:
    """See `gatewayz.sdk.interfaces.PoolRouter`.

    :param scores: who scores prompts; the scorer that comes with the routers when None.
    """

    def __init__(self, settings: CodeSettings, context: PluginContext, *, scores: Scores | None = None) -> None:
        self._settings = settings
        self._name = context.instance
        self._scores = load_scorer() if scores is None else scores
        self._facts: Mapping[str, tuple[int, CodeModel]] = {
            model.model: (tier, model) for tier, model in settings.all_models()
        }
        self._abilities = {
            model: ability_of(facts.figures, settings.benchmarks, settings.unknown_ability)
            for model, (_, facts) in self._facts.items()
        }
        self._guess = Ability(domains={}, overall=settings.unknown_ability, is_known=False)
        self._classifier = Classifier(settings.task_classes, settings.default_class)
        self._listing = Listing(self._facts)
        at_code = {
            model: Ability(domains={}, overall=ability.at(_CODE), is_known=ability.is_known)
            for model, ability in self._abilities.items()
        }
        self._learning = Learning(settings.learning, at_code, self._guess)
        self._conversations = Conversations()
        self._tally = Tally(context.clock)
        self.modes: Mapping[str, str] = {name: mode.label for name, mode in settings.modes.items()}
        self.names: Mapping[str, str] = settings.names

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        """Return the offers of the chosen model and of those next to it. See `PoolRouter.rank`."""
        self._learning.hear(call)
        served = self._listing.of_pool(offers) or self._listing.of_all(offers)
        decision = self._decide(call, served, signals, NO_DEMAND)
        if not decision.ordered:
            self._tally.refused += 1
            return Ranking(offers=(), reason=decision.rationale)
        self._conversations.remember(call, decision.chosen.candidate.model)
        self._tally.decided(
            mode=call.mode,
            model=decision.chosen.candidate.model,
            tier=None if decision.chosen.tier is None else str(decision.chosen.tier),
            category=decision.task.category,
            fallback_reason=decision.fallback_reason,
        )
        return Ranking(offers=decision.offers, reason=decision.rationale, decision=decision)

    def preview(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> CodeDecision:
        """Return what would be decided; of the pool's models as the data has them when none is served."""
        served = self._listing.of_pool(offers)
        absent = {name: (model.stand_in(),) for name, (_, model) in self._facts.items() if name not in served}
        demand = self._demand(call.prompt)
        if not served:
            return self._decide(call, absent, signals, demand).as_absent()
        decision = self._decide(call, served, signals, demand)
        others = self._list(call, absent, demand, signals)
        return decision.with_absent(self._ranked(call, others, decision.task))

    def describe(self) -> Mapping[str, Any]:
        """Return the tiers, the modes and what settings pages offer."""
        return {"tiers": tiers_page(self._settings), "options": options_page(self._settings)}

    def stats(self) -> Mapping[str, Any]:
        """Return what was loaded, counts of this process's decisions, and what it learnt from their outcomes."""
        return {
            "tiers_loaded": len(self._settings.tiers),
            "models_available": len(self._facts),
            "fallback_model": self._settings.fallback_model,
            "baselines": list(self._settings.baselines),
            "metrics_enabled": True,
            **self._tally.shown(),
            "learning": self._learning.shown(),
        }

    @property
    def is_listening(self) -> bool:
        """See `gatewayz.sdk.outcomes.HearsOutcomes`: only with learning switched on."""
        return self._learning.is_enabled

    def hear_end(self, end: AnswerEnd) -> None:
        """Take the end of an answer as an outcome."""
        if isinstance(end.decision, CodeDecision):
            self._learning.hear_end(end, end.decision.task.category)

    def hear_opinion(self, opinion: Opinion) -> None:
        """Take what a user says of an answer as an outcome."""
        self._learning.hear_opinion(opinion)

    def _decide(self, call: RoutingCall, served: Served, signals: Signals, demand: Demand) -> CodeDecision:
        context = context_of(call.prompt, call.messages, call.hints)
        task = self._classifier.classify(call.prompt, context)
        listed = self._list(call, served, demand, signals)
        ordered = self._ordered(call, listed, task)
        held = self._held(call, served, signals) if call.user_messages > 1 else None
        is_kept = self._keep(held, ordered, task)
        return CodeDecision(
            router=self._name,
            mode=call.mode,
            task=task,
            demand=demand,
            listed=listed,
            ordered=tuple(ordered),
            wanted_tier=tier_of(self._settings.modes[call.mode], self._settings.task_classes[task.category]),
            minimum_tier=self._settings.task_classes[task.category].minimum_tier,
            baselines=self._settings.baselines,
            is_kept=is_kept,
        )

    def _demand(self, prompt: str) -> Demand:
        """Return the need, for a test page: the class decides here, so calls are not scored; costs stay the same."""
        scored = demand_of(self._scores, prompt)
        return msgspec.structs.replace(scored, output_tokens=NO_DEMAND.output_tokens)

    def _ordered(self, call: RoutingCall, listed: Shortlist, task: Classified) -> list[Ranked]:
        """Return the models by tier in the order to look, inside a tier by points, first listed on ties."""
        mode, task_class = self._settings.modes[call.mode], self._settings.task_classes[task.category]
        looked_in = tiers_to_look_in(tier_of(mode, task_class), task_class)
        ranked = self._ranked(call, listed, task)
        ranked.sort(key=lambda each: -each.points)
        ranked.sort(key=lambda each: len(looked_in) if each.tier is None else looked_in.index(each.tier))
        return ranked

    def _ranked(self, call: RoutingCall, listed: Shortlist, task: Classified) -> list[Ranked]:
        """Return the candidates in the order of the data, with their points."""
        places = {model: place for place, model in enumerate(self._facts)}
        known = sorted(listed.candidates, key=lambda each: (places.get(each.model, len(places)), each.cost, each.model))
        return [self._with_points(candidate, task, call.mode) for candidate in known]

    def _with_points(self, candidate: Candidate, task: Classified, mode: str) -> Ranked:
        """Return a candidate with its points, corrected by what was learnt of it."""
        tier, model = self._facts.get(candidate.model, (None, None))
        price = candidate.offers[0].price
        if model is None or price is None:
            return Ranked(candidate=candidate, tier=None, points=0.0, model=None)
        points = points_of(model, price, task.category, self._settings.modes[mode])
        points += self._settings.learning.points * self._learning.gain(candidate.model, task.category)
        return Ranked(candidate=candidate, tier=tier, points=points, model=model)

    def _held(self, call: RoutingCall, served: Served, signals: Signals) -> str | None:
        """Return the model a conversation has: remembered, or found as it was when the conversation began."""
        if (known := self._conversations.find(call)) is not None:
            return known
        beginning = msgspec.structs.replace(call, prompt=call.opening, messages=1, user_messages=1)
        then = self._decide(beginning, served, signals, NO_DEMAND).ordered
        return then[0].candidate.model if then else None

    def _keep(self, held: str | None, ordered: list[Ranked], task: Classified) -> bool:
        """Put the model a conversation has first, unless the task now needs a better tier than it has."""
        minimum = self._settings.task_classes[task.category].minimum_tier
        for each in ordered:
            if each.candidate.model == held and (each.tier is None or each.tier <= minimum):
                ordered.remove(each)
                ordered.insert(0, each)
                return True
        return False

    def _list(self, call: RoutingCall, served: Served, demand: Demand, signals: Signals) -> Shortlist:
        return shortlist(
            call,
            served,
            demand,
            self._abilities,
            guess=self._guess,
            signals=signals,
        )
