"""What the general router decided, in numbers and words."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gatewayz.sdk.money import usd_text
from gatewayz.sdk.offers import Offer
from gatewayz_plugins.routers.general.settings import GeneralMode
from gatewayz_plugins.routers.selection.candidates import Candidate, Demand, Shortlist
from gatewayz_plugins.routers.selection.choice import chain

__all__ = ["GeneralDecision"]


class GeneralDecision(msgspec.Struct, frozen=True, kw_only=True):
    """See `gatewayz.sdk.routing.Decision`."""

    router: str
    mode: str
    objective: GeneralMode
    listed: Shortlist
    ordered: tuple[Candidate, ...]
    """Best first."""
    demand: Demand
    fallback_reason: str | None = None
    """Why the choice is not the pool's best by numbers: disabled, model_unavailable, exception."""
    is_kept: bool = False
    """The conversation kept the model it had."""
    absent: tuple[Candidate, ...] = ()
    """Models of the pool that are not served, on test pages."""

    @property
    def chosen(self) -> Candidate:
        """The first choice; only of a decision that has one."""
        return self.ordered[0]

    @property
    def offers(self) -> tuple[Offer, ...]:
        """The offers to try."""
        return chain(self.ordered)

    @property
    def confidence(self) -> float | None:
        """The expected quality of the chosen model's answer; None when the prompt was not scored."""
        return round(self.chosen.quality, 4) if self.demand.domains else None

    @property
    def reasoning(self) -> str:
        """The choice in words, from the numbers it was made by."""
        if not self.ordered:
            return self.listed.why_empty
        if not self.demand.domains:
            return f"{self.chosen.model} is first of the chain of mode {self.mode} that can be tried"
        return f"{self._asked} {self._enough} {self._why}"

    def with_absent(self, absent: tuple[Candidate, ...], *, is_served: bool) -> "GeneralDecision":
        """Return it for a test page: with models that are not served, whose word is marked so."""
        for candidate in absent if is_served else self.ordered:
            candidate.is_available = False
        return msgspec.structs.replace(self, absent=absent)

    def metadata(self, answered: Offer) -> Mapping[str, Any]:
        """Return what answers carry (spec 01 §3); it falls back when another model than the chosen one answered."""
        is_other = answered.model != self.chosen.model
        reason = "model_unavailable" if is_other else self.fallback_reason
        return {
            "router": self.router,
            "mode": self.mode,
            "selected_model": answered.model,
            "provider": answered.provider,
            "confidence": self.confidence,
            "fallback_used": reason is not None,
            "fallback_reason": reason,
            "first_choice": self.chosen.model,
            "reasoning": self.reasoning,
        }

    def report(self) -> Mapping[str, Any]:
        """Return what the test page shows (spec 06 §2, case 7.5)."""
        if not self.ordered:
            return {"model_id": None, "provider": None, "mode": self.mode, "reasoning": self.reasoning}
        return {
            "model_id": self.chosen.model,
            "provider": self.chosen.offers[0].provider,
            "mode": self.mode,
            "confidence": self.confidence,
            "fallback_used": self.fallback_reason is not None,
            "fallback_reason": self.fallback_reason,
            "available": self.chosen.is_available,
            "need": round(self.demand.need, 4),
            "domain": self.demand.domain,
            "domains": {name: round(share, 4) for name, share in self.demand.domains.items()},
            "expected_output_tokens": self.demand.output_tokens,
            "candidates": [candidate.numbers() for candidate in (*self.ordered, *self.absent)],
            "refused": dict(self.listed.refused),
            "fallback_chain": [{"model_id": offer.model, "provider": offer.provider} for offer in self.offers],
            "reasoning": self.reasoning,
        }

    @property
    def _asked(self) -> str:
        domain = self.demand.domain or ""
        return f"Need {self.demand.need:.2f}, mostly {domain} ({self.demand.domains.get(domain, 0.0):.0%})."

    @property
    def _enough(self) -> str:
        best = max(self.ordered, key=lambda candidate: candidate.quality)
        enough = sum(self.objective.is_enough(candidate, best.quality) for candidate in self.ordered)
        return (
            f"Best expected quality {best.quality:.3f} ({best.model});"
            f" {enough} of {len(self.ordered)} models are within {self.objective.tolerance:.0%} of it."
        )

    @property
    def _why(self) -> str:
        chosen = self.chosen
        if self.is_kept:
            return f"The conversation keeps {chosen.model} (quality {chosen.quality:.3f})."
        superlative, price = "cheapest", f"${usd_text(chosen.cost)}"
        if chosen.latency_ms is not None:
            superlative, price = "fastest", f"{chosen.latency_ms:.0f} ms to first content"
        return f"{chosen.model} (quality {chosen.quality:.3f}) is the {superlative} of them, at about {price}."
