"""Training of the domain classifier: a multinomial logistic regression on hand features and hashed tokens."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gatewayz_plugins.routers.prompt_score.features import NAMES
from gatewayz_plugins.routers.prompt_score.ngrams import BUCKETS, bucket_of
from gatewayz_plugins.routers.prompt_score.weights import DOMAINS, Linear
from prompt_scorer.data import Prompt

__all__ = ["fit_domains"]

Matrix = NDArray[Any]
DIGITS: Final = 5
PER_TASK: Final = 250
"""Prompts of a task that are learned from: more of one kind teach nothing about domains."""
STEPS: Final = 400
RATE_FEATURES: Final = 0.5
RATE_NGRAMS: Final = 8.0
PENALTY_FEATURES: Final = 5e-4
PENALTY_NGRAMS: Final = 3e-4
LARGEST: Final = 127
SIZES: Final = frozenset(
    {
        "letters",
        "words",
        "sentences",
        "sentence_words",
        "word_letters",
        "variety",
        "lines",
        "stem_words",
        "ends_question",
    }
    | {"choices", "choice_words", "choice_numbers", "long_words", "commas", "numbers_share", "big_numbers"}
)
"""Features that tell tasks of the data apart but not domains."""


def fit_domains(prompts: Sequence[Prompt], examples: Sequence[Prompt]) -> tuple[dict[str, Linear], float, bytes]:
    """Return the weights of features, the size of one step of the n-gram weights, and those in steps.

    In each domain the data and the examples count the same.
    """
    chosen = [*_sample([prompt for prompt in prompts if prompt.domain]), *examples]
    wanted = np.array([DOMAINS.index(prompt.domain) for prompt in chosen])
    is_example = np.array([prompt.task == "examples" for prompt in chosen])
    shares = _shares(wanted, is_example)
    features = np.array([prompt.features for prompt in chosen])
    spread = features.std(axis=0)
    used = np.array([name not in SIZES for name in NAMES]) & (spread > 0)
    mean, scale = features.mean(axis=0), np.where(used, np.where(spread > 0, spread, 1.0), 1.0)
    weights, ngrams = _descend((features - mean) / scale * used, _Buckets(chosen), np.eye(len(DOMAINS))[wanted], shares)
    inner = weights[1:] / scale[:, None] * used[:, None]
    bias = weights[0] - mean @ inner
    linears = {
        name: Linear(bias=round(float(bias[at]), DIGITS), features=tuple(round(float(w), DIGITS) for w in inner[:, at]))
        for at, name in enumerate(DOMAINS)
    }
    step = round(float(np.abs(ngrams).max()) / LARGEST, DIGITS)
    return linears, step, np.clip(np.rint(ngrams / step), -LARGEST, LARGEST).astype(np.int8).tobytes()


class _Buckets:
    """The buckets of all prompts, one after another, as a sparse matrix whose rows have length 1."""

    def __init__(self, prompts: Sequence[Prompt]) -> None:
        rows = [[bucket_of(token) for token in sorted(set(prompt.tokens))] for prompt in prompts]
        self._bucket = np.array([bucket for row in rows for bucket in row], dtype=np.int64)
        self._row = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
        self._value = np.repeat([1 / np.sqrt(max(len(row), 1)) for row in rows], [len(row) for row in rows])
        self._rows = len(rows)

    def times(self, weights: Matrix) -> Matrix:
        """Return the product with weights (buckets x domains)."""
        return _summed(self._row, weights[self._bucket] * self._value[:, None], self._rows)

    def transposed_times(self, errors: Matrix) -> Matrix:
        """Return the product of the transposed matrix with errors (prompts x domains)."""
        return _summed(self._bucket, errors[self._row] * self._value[:, None], BUCKETS)


def _summed(at: Matrix, values: Matrix, rows: int) -> Matrix:
    return np.stack([np.bincount(at, weights=column, minlength=rows) for column in values.T], axis=1)


def _descend(features: Matrix, buckets: _Buckets, wanted: Matrix, shares: Matrix) -> tuple[Matrix, Matrix]:
    dense = np.c_[np.ones(len(features)), features]
    weights = np.zeros((dense.shape[1], len(DOMAINS)))
    ngrams = np.zeros((BUCKETS, len(DOMAINS)))
    for _ in range(STEPS):
        sums = dense @ weights + buckets.times(ngrams)
        likely = np.exp(sums - sums.max(axis=1, keepdims=True))
        errors = (likely / likely.sum(axis=1, keepdims=True) - wanted) * shares[:, None]
        weights -= RATE_FEATURES * (dense.T @ errors + PENALTY_FEATURES * weights)
        ngrams -= RATE_NGRAMS * (buckets.transposed_times(errors) + PENALTY_NGRAMS * ngrams)
    return weights, ngrams


def _sample(prompts: Sequence[Prompt]) -> list[Prompt]:
    totals = Counter(prompt.task + prompt.domain for prompt in prompts)
    seen: Counter[str] = Counter()
    chosen = []
    for prompt in prompts:
        key = prompt.task + prompt.domain
        if seen[key] * PER_TASK // totals[key] != (seen[key] + 1) * PER_TASK // totals[key] or totals[key] <= PER_TASK:
            chosen.append(prompt)
        seen[key] += 1
    return chosen


def _shares(wanted: Matrix, is_example: Matrix) -> Matrix:
    shares = np.zeros(len(wanted))
    for domain in range(len(DOMAINS)):
        for group in (is_example, ~is_example):
            members = (wanted == domain) & group
            shares[members] = 1.0 / max(members.sum(), 1)
    scaled: Matrix = shares / shares.sum()
    return scaled
