"""From a prompt to what it asks of a model."""

from typing import Protocol

from gatewayz_plugins.routers.prompt_score import PromptScore
from gatewayz_plugins.routers.selection.candidates import Demand

__all__ = ["NO_DEMAND", "Scores", "demand_of"]

NO_DEMAND = Demand(need=0.0, domains={}, output_tokens=256)
"""Of a prompt that could not be scored; the tokens only make costs comparable."""


class Scores(Protocol):
    """Scores prompts; `prompt_score.PromptScorer` does."""

    def score(self, text: str) -> PromptScore:
        """Return the score of a text."""
        ...


def demand_of(scores: Scores, text: str) -> Demand:
    """Return what a prompt asks of a model."""
    score = scores.score(text)
    return Demand(need=score.need, domains=score.domains, output_tokens=score.output_tokens)
