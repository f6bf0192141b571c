"""From prompts to weights. One thread, no randomness, rounded results: the same data gives the same bytes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from gatewayz_plugins.routers.prompt_score.features import CHOICES, NAMES
from gatewayz_plugins.routers.prompt_score.scorer import PromptScorer
from gatewayz_plugins.routers.prompt_score.weights import DOMAINS, Linear, Logistic, Weights
from prompt_scorer.data import Prompt
from prompt_scorer.domains import fit_domains
from prompt_scorer.priors import FALLS_SHORT, NEED_CHOICES, NEED_DOMAINS, NEED_OPEN

__all__ = ["PENALTY", "fit", "is_graded", "raw_need"]

Matrix = NDArray[Any]
DIGITS: Final = 5
PENALTY: Final = {"choices": 10_000.0, "open": 40_000.0}
"""How firmly the weights of need are held at their priors: as firmly as this many prompts would."""
LEAST_SPREAD: Final = 0.1
"""Features that hardly vary in the data stay at their priors: what a rare one would do elsewhere is unknown."""
PRIOR_SCALE: Final = 0.2
"""Gain, in standard deviations of its task, that one unit of raw need stands for."""
NEWTON_STEPS: Final = 25


def is_graded(prompt: Prompt) -> bool:
    """True where both a strong and a small model have a grade."""
    return prompt.strong is not None and prompt.small is not None


def raw_need(scorer: PromptScorer, prompt: Prompt) -> float:
    """Return the raw need of a prompt."""
    return scorer.raw_need(prompt.features, scorer.domains(prompt.features, prompt.tokens))


def fit(
    prompts: Sequence[Prompt],
    examples: Sequence[Prompt],
    data: Mapping[str, str],
    *,
    penalty: Mapping[str, float] = PENALTY,
) -> Weights:
    """Return the weights for what the prompts teach.

    :param data: SHA-256 of the files, to be kept with the weights.
    """
    domains, scale, ngrams = fit_domains(prompts, examples)
    graded = [prompt for prompt in prompts if is_graded(prompt)]
    choices = [prompt for prompt in graded if prompt.features[CHOICES] > 0]
    open_ = [prompt for prompt in graded if prompt.features[CHOICES] == 0]
    draft = Weights(
        data=dict(sorted(data.items())),
        names=NAMES,
        domains=domains,
        ngrams_scale=scale,
        ngrams=ngrams,
        need_choices=_fit_need(choices, NEED_CHOICES, penalty["choices"]),
        need_open=_fit_need(open_, NEED_OPEN, penalty["open"]),
        need_domains={name: NEED_DOMAINS[name] for name in DOMAINS},
        calibration=Logistic(slope=1.0, bias=0.0),
    )
    return _calibrate(draft, graded, examples)


def _fit_need(prompts: Sequence[Prompt], prior: Mapping[str, float], penalty: float) -> Linear:
    """Return weights near the prior that order the prompts of each task by gain. Every task counts the same."""
    before = np.array([prior.get(name, 0.0) for name in NAMES])
    features = np.array([prompt.features for prompt in prompts]).reshape(-1, len(NAMES))
    if not len(features):
        return Linear(bias=0.0, features=tuple(map(float, before)))
    inside, gains, shares = _inside_tasks(prompts, features)
    spread = np.sqrt(shares @ inside**2 / shares.sum())
    moves = spread > LEAST_SPREAD
    scale = np.where(moves, spread, 1.0)
    inside = inside / scale
    start = before * scale * PRIOR_SCALE
    left = gains - inside @ start
    inside = inside * moves
    moved = np.linalg.solve(
        inside.T @ (inside * shares[:, None]) + penalty * np.eye(len(NAMES)), inside.T @ (shares * left)
    )
    weights = (start + moved) / scale / PRIOR_SCALE
    bias = -(shares @ features / shares.sum()) @ weights
    return Linear(bias=round(float(bias), DIGITS), features=tuple(round(float(weight), DIGITS) for weight in weights))


def _inside_tasks(prompts: Sequence[Prompt], features: Matrix) -> tuple[Matrix, Matrix, Matrix]:
    """Return features and gains as they differ inside each task, and the share of each prompt."""
    tasks = np.array([prompt.task for prompt in prompts])
    gains = np.array([(prompt.strong or 0.0) - (prompt.small or 0.0) for prompt in prompts])
    inside, centred, shares = features.copy(), gains.copy(), np.zeros(len(prompts))
    names = sorted(set(tasks))
    for name in names:
        members = tasks == name
        inside[members] -= features[members].mean(axis=0)
        centred[members] -= gains[members].mean()
        centred[members] /= max(float(centred[members].std()), 1e-6)
        shares[members] = len(prompts) / len(names) / members.sum()
    return inside, centred, shares


def _calibrate(draft: Weights, graded: Sequence[Prompt], examples: Sequence[Prompt]) -> Weights:
    """Return the weights with need as the likelihood that a small model falls short.

    Every task counts the same; the examples of each domain count as a task that was graded as FALLS_SHORT says.
    """
    scorer = PromptScorer(draft)
    all_ = [*graded, *examples]
    raw = np.array([raw_need(scorer, prompt) for prompt in all_])
    has_choices = np.array([float(prompt.features[CHOICES] > 0) for prompt in all_])
    tasks = np.array([prompt.task if is_graded(prompt) else prompt.domain for prompt in all_])
    shares = np.array([1.0 / (tasks == task).sum() for task in tasks])
    short = np.array([FALLS_SHORT[each.domain] if each.small is None else 1.0 - each.small for each in all_])
    slope, bias, more = _logistic_regression(np.c_[raw, np.ones(len(raw)), has_choices], short, shares / shares.sum())
    slope = max(slope, 0.1)
    choices = msgspec.structs.replace(draft.need_choices, bias=round(draft.need_choices.bias + more / slope, DIGITS))
    calibration = Logistic(slope=round(slope, DIGITS), bias=round(bias, DIGITS))
    return msgspec.structs.replace(draft, need_choices=choices, calibration=calibration)


def _logistic_regression(inputs: Matrix, wanted: Matrix, shares: Matrix) -> list[float]:
    weights = np.zeros(inputs.shape[1])
    ridge = 1e-4 * np.eye(inputs.shape[1])
    for _ in range(NEWTON_STEPS):
        likely = 1.0 / (1.0 + np.exp(-inputs @ weights))
        slope = inputs.T @ (shares * (wanted - likely)) - ridge @ weights
        bend = inputs.T @ (inputs * (shares * likely * (1.0 - likely))[:, None]) + ridge
        weights = weights + np.linalg.solve(bend, slope)
    return [float(weight) for weight in weights]
