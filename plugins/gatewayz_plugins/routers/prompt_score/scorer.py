"""From features to a score, with weights that were trained before (scripts/train_prompt_scorer.py)."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from math import exp
from typing import Final

import msgspec

from gatewayz_plugins.routers.prompt_score.answers import expected_tokens
from gatewayz_plugins.routers.prompt_score.features import NAMES, features_of
from gatewayz_plugins.routers.prompt_score.tokens import looked_at, tokens_of

__all__ = ["DOMAINS", "Linear", "PromptScore", "PromptScorer", "Weights", "load_scorer"]

DOMAINS: Final = ("code", "math", "knowledge", "reasoning", "writing", "chat")
"""What a prompt may be about."""


class PromptScore(msgspec.Struct, frozen=True):
    """What is known of a prompt before any model has answered it."""

    need: float
    """0..1: how much a strong model is needed; calibrated, see docs/routing/model-card.md."""
    domains: dict[str, float]
    """Probability of each of DOMAINS; they sum to 1."""
    output_tokens: int
    """Expected length of the answer in tokens."""


class Linear(msgspec.Struct, frozen=True):
    """A sum over features."""

    bias: float
    features: list[float]
    """A weight for each feature, in the order of NAMES."""


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What training made. The file holds no piece of a prompt."""

    data: dict[str, str]
    """SHA-256 of each file it was trained from, by the file's name."""
    names: list[str]
    need: Linear
    curve: list[tuple[float, float]]
    """Raw need → need, rising; straight between the points, level outside."""
    domains: dict[str, Linear]


class PromptScorer:
    """Scores prompts. The same text gets the same score, in every process."""

    def __init__(self, weights: Weights) -> None:
        """Take the weights. Raises ValueError when they were trained for other features."""
        if tuple(weights.names) != NAMES or tuple(weights.domains) != DOMAINS:
            raise ValueError("the weights were trained for other features: train them again")
        self.weights = weights
        self._raw = [point[0] for point in weights.curve]
        self._need = [point[1] for point in weights.curve]

    def score(self, text: str) -> PromptScore:
        """Return the score of a prompt: the text of its last user message, whole."""
        seen = looked_at(text).lower()
        tokens = tokens_of(seen)
        features = features_of(seen, tokens)
        need = self._calibrated(_sum(self.weights.need, features))
        domains = _softmax({name: _sum(linear, features) for name, linear in self.weights.domains.items()})
        return PromptScore(need=need, domains=domains, output_tokens=expected_tokens(domains, tokens))

    def _calibrated(self, raw: float) -> float:
        at = bisect_right(self._raw, raw)
        if at == 0:
            return self._need[0]
        if at == len(self._raw):
            return self._need[-1]
        share = (raw - self._raw[at - 1]) / (self._raw[at] - self._raw[at - 1])
        return self._need[at - 1] + share * (self._need[at] - self._need[at - 1])


def _sum(linear: Linear, features: Sequence[float]) -> float:
    return linear.bias + sum(map(float.__mul__, linear.features, features))


def _softmax(sums: dict[str, float]) -> dict[str, float]:
    top = max(sums.values())
    parts = {name: exp(value - top) for name, value in sums.items()}
    total = sum(parts.values())
    return {name: part / total for name, part in parts.items()}


@cache
def load_scorer() -> PromptScorer:
    """Return the scorer with the weights of the package, read once per process."""
    content = files("gatewayz_plugins.routers.prompt_score").joinpath("weights.json").read_bytes()
    return PromptScorer(msgspec.json.decode(content, type=Weights))
