"""Search over the models of a catalog: substrings without case, the likeliest first.

A few milliseconds for thousands of models: every text is lowered once, and searched by the
interpreter's own substring search. Measured: docs/catalog.md. Source: spec 02 §2 (4.1.4).
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from gatewayz.domain.catalog.catalog import Model

__all__ = ["Match", "SearchIndex"]

_JOINTS: Final = frozenset("\n /-_.:@(")
"""What words of ids and names begin behind."""


class Match(IntEnum):
    """How well a model fits, best first."""

    EXACT = 0
    """The id, the id without its maker, or the name."""
    PREFIX = 1
    """One of these begins with it."""
    WORD = 2
    """A word in the id or the name begins with it."""
    PART = 3
    """It is somewhere in the id or the name."""
    DESCRIPTION = 4
    """It is in the description only."""
    WORDS = 5
    """Each of its words is somewhere, not one behind the other."""


class SearchIndex:
    """Finds models by any piece of their id, name or description."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._texts = [
            (model.id, f"{model.id}\n{model.name}".lower(), " ".join(model.description.lower().split()))
            for model in models
        ]

    def find(self, query: str) -> dict[str, Match]:
        """Return the ids of every model that fits, and how well; every model for an empty query."""
        wanted = " ".join(query.lower().split())
        if not wanted:
            return dict.fromkeys((model_id for model_id, _, _ in self._texts), Match.EXACT)
        words = wanted.split(" ")
        found: dict[str, Match] = {}
        for model_id, names, description in self._texts:
            if wanted in names:
                found[model_id] = _name_match(wanted, names)
            elif wanted in description:
                found[model_id] = Match.DESCRIPTION
            elif len(words) > 1 and all(word in names or word in description for word in words):
                found[model_id] = Match.WORDS
        return found


def _name_match(wanted: str, names: str) -> Match:
    """Return how a word fits that is somewhere in an id or a name, the two on a line each."""
    model_id, _, name = names.partition("\n")
    spellings = (model_id, model_id.partition("/")[2], name)
    if wanted in spellings:
        return Match.EXACT
    if any(spelling.startswith(wanted) for spelling in spellings):
        return Match.PREFIX
    return Match.WORD if _starts_word(wanted, names) else Match.PART


def _starts_word(wanted: str, names: str) -> bool:
    at = names.find(wanted)
    while at >= 0:
        if at == 0 or names[at - 1] in _JOINTS:
            return True
        at = names.find(wanted, at + 1)
    return False
