"""From a prompt to its score, with weights that were trained before (scripts/train_prompt_scorer.py)."""

from collections.abc import Mapping, Sequence
from functools import cache
from math import exp
from operator import mul

import msgspec

from gatewayz_plugins.routers.prompt_score.answers import expected_tokens
from gatewayz_plugins.routers.prompt_score.features import CHOICES, NAMES, features_of
from gatewayz_plugins.routers.prompt_score.ngrams import Table
from gatewayz_plugins.routers.prompt_score.tokens import looked_at, tokens_of
from gatewayz_plugins.routers.prompt_score.weights import DOMAINS, Linear, Weights, packaged_weights

__all__ = ["DOMAINS", "PromptScore", "PromptScorer", "load_scorer"]


class PromptScore(msgspec.Struct, frozen=True):
    """What is known of a prompt before any model has answered it."""

    need: float
    """0..1: how likely a small model falls short, calibrated; see docs/routing/model-card.md."""
    domains: dict[str, float]
    """Probability of each of DOMAINS; they sum to 1."""
    output_tokens: int
    """Expected length of the answer in tokens."""


class PromptScorer:
    """Scores prompts. The same text gets the same score, in every process."""

    def __init__(self, weights: Weights) -> None:
        """Take the weights. Raises ValueError when they were trained for other features."""
        if weights.names != NAMES or tuple(weights.domains) != DOMAINS or tuple(weights.need_domains) != DOMAINS:
            raise ValueError("the weights were trained for other features: train them again")
        self._weights = weights
        self._table = Table(weights.ngrams, weights.ngrams_scale, len(DOMAINS))

    def score(self, text: str) -> PromptScore:
        """Return the score of a prompt: the whole text that a caller wants answered."""
        seen = looked_at(text)
        tokens = tokens_of(seen)
        features = features_of(seen, tokens)
        domains = self.domains(features, tokens)
        need = self.need_of(self.raw_need(features, domains))
        return PromptScore(need=need, domains=domains, output_tokens=expected_tokens(domains, tokens))

    def raw_need(self, features: Sequence[float], domains: Mapping[str, float]) -> float:
        """Return the need before calibration, on a scale without bounds."""
        weights = self._weights
        if features[CHOICES] > 0.0:
            return _sum(weights.need_choices, features)
        return _sum(weights.need_open, features) + sum(weights.need_domains[name] * domains[name] for name in DOMAINS)

    def need_of(self, raw: float) -> float:
        """Return the need that a raw need stands for."""
        calibration = self._weights.calibration
        return _logistic(calibration.slope * raw + calibration.bias)

    def domains(self, features: Sequence[float], tokens: Sequence[str]) -> dict[str, float]:
        """Return the probability of each domain."""
        said = self._table.sums(dict.fromkeys(tokens)) or [0.0] * len(DOMAINS)
        linears = self._weights.domains
        return _softmax({name: _sum(linears[name], features) + more for name, more in zip(DOMAINS, said, strict=True)})


def _sum(linear: Linear, features: Sequence[float]) -> float:
    total: float = sum(map(mul, linear.features, features))
    return linear.bias + total


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, value))))


def _softmax(sums: dict[str, float]) -> dict[str, float]:
    top = max(sums.values())
    parts = {name: exp(value - top) for name, value in sums.items()}
    total = sum(parts.values())
    return {name: part / total for name, part in parts.items()}


@cache
def load_scorer() -> PromptScorer:
    """Return the scorer with the weights of the package, read once per process."""
    return PromptScorer(packaged_weights())
