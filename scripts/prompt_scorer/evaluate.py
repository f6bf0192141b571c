"""How good the scorer is on tasks and subjects that it was not trained on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gatewayz_plugins.routers.prompt_score.scorer import PromptScorer
from gatewayz_plugins.routers.prompt_score.weights import Weights
from gatewayz_plugins.routers.prompt_score.words import WORDS
from prompt_scorer.data import Prompt
from prompt_scorer.fit import fit, is_graded, raw_need

__all__ = ["apgr", "report"]

Matrix = NDArray[Any]
FOLDS: Final = 5
BINS: Final = 5
COUNTED: Final = frozenset({"math", "solve", "code", "logic", "explain", "plan", "constraint"})
"""Kinds of words that the reference line of keywords counts."""


def apgr(scores: Sequence[float], gains: Sequence[float]) -> float:
    """Return the area under the curve of the performance gap recovered; 0.5 is random. Equal scores share a rank."""
    values, gain = np.asarray(scores, dtype=float), np.asarray(gains, dtype=float)
    _, place, count = np.unique(-values, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    rank = (last - (count - 1) / 2.0)[place]
    return float((gain * (1.0 - rank / len(gain))).sum() / gain.sum())


def report(prompts: Sequence[Prompt], examples: Sequence[Prompt], weights: Weights) -> str:
    """Return the figures of docs/routing/model-card.md as text."""
    graded = [prompt for prompt in prompts if is_graded(prompt)]
    tasks = sorted({prompt.task for prompt in graded})
    unseen = _left_out(prompts, examples, lambda prompt: prompt.task)
    folds = {name: at % FOLDS for at, name in enumerate(sorted({prompt.subject for prompt in graded}))}
    subjects = _left_out(
        prompts, examples, lambda prompt: f"{folds[prompt.subject]}" if "knowledge" in prompt.task else "", skip=("",)
    )
    lines = ["", f"{'task':45} {'n':>5} {'length':>7} {'keyword':>7} {'unseen':>7} {'shipped':>7}"]
    scorer = PromptScorer(weights)
    for task in tasks:
        members = [prompt for prompt in graded if prompt.task == task]
        lines.append(_line(task, members, scorer, unseen))
        if "knowledge" in task:
            lines.append(_line("  subjects left out", members, scorer, subjects))
    return "\n".join([*lines, "", *_reliability(graded, unseen)])


Scorers = Mapping[int, PromptScorer]


def _left_out(
    prompts: Sequence[Prompt], examples: Sequence[Prompt], group_of: Callable[[Prompt], str], skip: Sequence[str] = ()
) -> Scorers:
    """Return for each graded prompt, by its id, a scorer trained without its group."""
    groups = sorted({group_of(prompt) for prompt in prompts if is_graded(prompt)} - set(skip))
    found: dict[int, PromptScorer] = {}
    for group in groups:
        scorer = PromptScorer(fit([prompt for prompt in prompts if group_of(prompt) != group], examples, {}))
        found.update({id(prompt): scorer for prompt in prompts if group_of(prompt) == group})
    return found


def _gain(prompt: Prompt) -> float:
    return (prompt.strong or 0.0) - (prompt.small or 0.0)


def _line(name: str, members: Sequence[Prompt], scorer: PromptScorer, unseen: Scorers) -> str:
    gains = [_gain(prompt) for prompt in members]
    figures = (
        apgr([float(prompt.characters) for prompt in members], gains),
        apgr([float(_keywords(prompt)) for prompt in members], gains),
        apgr([raw_need(unseen[id(prompt)], prompt) for prompt in members], gains),
        apgr([raw_need(scorer, prompt) for prompt in members], gains),
    )
    return f"{name:45} {len(members):5} " + " ".join(f"{figure:7.3f}" for figure in figures)


def _keywords(prompt: Prompt) -> int:
    return sum(any(kind in COUNTED for kind in WORDS.get(token, ())) for token in prompt.tokens)


def _reliability(graded: Sequence[Prompt], unseen: Scorers) -> Iterator[str]:
    """Yield how often small models fell short, by the need that a scorer trained without the task foresaw."""
    need = np.array([unseen[id(prompt)].need_of(raw_need(unseen[id(prompt)], prompt)) for prompt in graded])
    short = np.array([1.0 - (prompt.small or 0.0) for prompt in graded])
    tasks = np.array([prompt.task for prompt in graded])
    shares = np.array([1.0 / (tasks == task).sum() for task in tasks])
    shares /= shares.sum()
    error = 0.0
    yield f"{'need foreseen':15} {'share':>6} {'foreseen':>9} {'fell short':>11}"
    for at in range(BINS):
        members = (need >= at / BINS) & ((need < (at + 1) / BINS) | (at == BINS - 1))
        total = shares[members].sum()
        if total > 0:
            foreseen, found = (float((shares[members] * each[members]).sum() / total) for each in (need, short))
            error += total * abs(foreseen - found)
            yield f"{at / BINS:.1f} to {(at + 1) / BINS:.1f}      {total:6.3f} {foreseen:9.3f} {found:11.3f}"
    yield f"expected calibration error {error:.3f}"
