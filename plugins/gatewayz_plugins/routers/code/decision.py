"""What the code router decided, in numbers and words."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gatewayz.sdk.money import NANO_PER_USD, TOKENS_PER_PRICE_UNIT
from gatewayz.sdk.offers import Offer, Price
from gatewayz.sdk.usage import Usage
from gatewayz_plugins.routers.code.classify import Classified
from gatewayz_plugins.routers.code.settings import Baseline, CodeModel
from gatewayz_plugins.routers.selection.candidates import Candidate, Demand, Shortlist
from gatewayz_plugins.routers.selection.choice import chain

__all__ = ["CodeDecision", "Ranked"]

_SAVINGS_OF: Final = Usage(input_tokens=1000, output_tokens=500)
"""The call that savings are told for (spec 06 §1.3)."""


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate with its tier and points; both are unknown for models that no tier names."""

    candidate: Candidate
    tier: int | None
    points: float
    model: CodeModel | None

    def numbers(self) -> dict[str, object]:
        """Return it for people."""
        return {**self.candidate.numbers(), "tier": self.tier, "points": round(self.points, 4)}


class CodeDecision(msgspec.Struct, frozen=True, kw_only=True):
    """See `gatewayz.sdk.routing.Decision`."""

    router: str
    mode: str
    task: Classified
    demand: Demand
    listed: Shortlist
    ordered: tuple[Ranked, ...]
    """Best first."""
    wanted_tier: int
    minimum_tier: int
    baselines: Mapping[str, Baseline]
    is_kept: bool = False
    """The conversation kept the model it had."""
    absent: tuple[Ranked, ...] = ()
    """Models of the tiers that are not served, on test pages."""

    @property
    def chosen(self) -> Ranked:
        """The first choice; only of a decision that has one."""
        return self.ordered[0]

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The offers to try."""
        return chain([each.candidate for each in self.ordered])

    @property
    def fallback_reason(self) -> str | None:
        """`model_unavailable` when no model of a tier that the task allows can be used."""
        tier = self.chosen.tier
        return "model_unavailable" if tier is None or tier > max(self.wanted_tier, self.minimum_tier) else None

    @property
    def rationale(self) -> str:
        """The choice in words, from the numbers it was made by."""
        if not self.ordered:
            return self.listed.why_empty
        chosen, task = self.chosen, self.task
        found = f" ({', '.join(task.hits)})" if task.hits else ""
        first = (
            f"{task.category}{found}, {task.complexity} complexity: mode {self.mode} asks for tier {self.wanted_tier}."
        )
        if self.is_kept:
            return f"{first} The conversation keeps {chosen.candidate.model}."
        if chosen.tier is None:
            return f"{first} No model of any tier is served; {chosen.candidate.model} is."
        where = (
            ""
            if chosen.tier == self.wanted_tier
            else f" No model of that tier can be used; tier {chosen.tier} is taken."
        )
        among = sum(each.tier == chosen.tier for each in self.ordered)
        return f"{first}{where} {chosen.candidate.model} has most points ({chosen.points:.2f}) of {among} usable there."

    def as_absent(self) -> "CodeDecision":
        """Return it for a test page, where none of its models is served."""
        for each in self.ordered:
            each.candidate.is_available = False
        return self

    def with_absent(self, absent: list[Ranked]) -> "CodeDecision":
        """Return it for a test page, with the models that are not served."""
        for each in absent:
            each.candidate.is_available = False
        return msgspec.structs.replace(self, absent=tuple(absent))

    def metadata(self, answered: Offer) -> Mapping[str, Any]:
        """Return what answers carry (spec 01 §3)."""
        ranked = next((each for each in self.ordered if each.candidate.model == answered.model), self.chosen)
        is_other = answered.model != self.chosen.candidate.model
        reason = "model_unavailable" if is_other else self.fallback_reason
        return {
            "router": self.router,
            "router_mode": f"{self.router}:{self.mode}",
            **self._task,
            "selected_model": answered.model,
            "provider": answered.provider,
            "selected_tier": ranked.tier,
            "savings": _savings(answered.price, self.baselines),
            "model_info": _model_info(ranked, answered),
            "fallback_used": reason is not None,
            "fallback_reason": reason,
            "first_choice": self.chosen.candidate.model,
            "rationale": self.rationale,
        }

    def report(self) -> Mapping[str, Any]:
        """Return what the test page shows (spec 06 §1.4, case 6.4)."""
        numbers = {
            **self._task,
            "mode": self.mode,
            "rationale": self.rationale,
            "need": round(self.demand.need, 4),
            "domains": {name: round(share, 4) for name, share in self.demand.domains.items()},
            "wanted_tier": self.wanted_tier,
            "minimum_tier": self.minimum_tier,
            "candidates": [each.numbers() for each in (*self.ordered, *self.absent)],
            "refused": dict(self.listed.refused),
        }
        if not self.ordered:
            return {**numbers, "model_id": None, "provider": None, "tier": None}
        offer = self.chosen.candidate.offers[0]
        return {
            **numbers,
            "model_id": offer.model,
            "provider": offer.provider,
            "tier": self.chosen.tier,
            "available": self.chosen.candidate.is_available,
            "savings_estimate": _savings(offer.price, self.baselines),
            "model_info": _model_info(self.chosen, offer),
            "fallback_used": self.fallback_reason is not None,
            "fallback_reason": self.fallback_reason,
            "fallback_chain": [{"model_id": offer.model, "provider": offer.provider} for offer in self.offers],
        }

    @property
    def _task(self) -> dict[str, Any]:
        task = self.task
        return {"task_category": task.category, "complexity": task.complexity, "confidence": task.confidence}


def _savings(price: Price | None, baselines: Mapping[str, Baseline]) -> dict[str, Any]:
    """Return, for each baseline, what 1000 tokens in and 500 out cost there, here, and the difference."""
    if price is None:
        return {}
    selected = price.cost(_SAVINGS_OF).total / NANO_PER_USD
    told = {}
    for name, baseline in baselines.items():
        tokens = (_SAVINGS_OF.input_tokens, _SAVINGS_OF.output_tokens)
        cost = (tokens[0] * baseline.price_input + tokens[1] * baseline.price_output) / TOKENS_PER_PRICE_UNIT
        saved = cost - selected
        told[name] = {
            "baseline_cost_usd": round(cost, 9),
            "selected_cost_usd": round(selected, 9),
            "savings_usd": round(saved, 9),
            "savings_percent": round(saved / cost * 100.0, 2) if cost else None,
        }
    return told


def _model_info(ranked: Ranked, offer: Offer) -> dict[str, Any]:
    model, price = ranked.model, offer.price
    return {
        "name": offer.model if model is None else model.name,
        "swe_bench": None if model is None else model.swe_bench,
        "human_eval": None if model is None else model.human_eval,
        "price_input": None if price is None else price.input / NANO_PER_USD,
        "price_output": None if price is None else price.output / NANO_PER_USD,
    }
