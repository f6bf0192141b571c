"""Okapi BM25 over passages. Source: Robertson and Zaragoza, The Probabilistic Relevance Framework (2009), section 3."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

__all__ = ["Ranking"]

K1: Final = 1.2
B: Final = 0.75
_WORD: Final = re.compile(r"[^\W_]+")
_COMMON: Final = frozenset(
    _WORD.findall(
        "a an and are as at be by can do does for from has how i if in is it its not of on or that the this to was "
        "what when where which who why will with you your"
    )
)
"""Words that are in every text and say nothing of it."""


class Ranking:
    """An index of texts, by their place in the sequence."""

    def __init__(self, texts: Sequence[str]) -> None:
        self._places: dict[str, list[tuple[int, int]]] = defaultdict(list)
        self._lengths: list[int] = []
        for number, text in enumerate(texts):
            words = _words(text)
            self._lengths.append(len(words))
            for word, count in Counter(words).items():
                self._places[word].append((number, count))
        self._mean = sum(self._lengths) / len(self._lengths) if self._lengths else 1.0

    def best(self, query: str, limit: int) -> list[tuple[int, float]]:
        """Return places and scores of the texts that fit best, best first."""
        scores: dict[int, float] = defaultdict(float)
        for word in set(_words(query)):
            found = self._places.get(word, ())
            rarity = math.log(1 + (len(self._lengths) - len(found) + 0.5) / (len(found) + 0.5))
            for number, count in found:
                length = self._lengths[number] / self._mean
                scores[number] += rarity * count * (K1 + 1) / (count + K1 * (1 - B + B * length))
        return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:limit]


def _words(text: str) -> list[str]:
    return [_stem(word) for word in _WORD.findall(text.lower()) if word not in _COMMON]


def _stem(word: str) -> str:
    """Make singular of plural: the one ending that matters in names of things."""
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
