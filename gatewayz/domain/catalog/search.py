"""Search over the models of a catalog: substrings without case, the likeliest first.

A few milliseconds for thousands of models: every text is lowered once, and searched by the
interpreter's own substring search. Measured: docs/catalog.md. Source: spec 02 §2 (4.1.4).
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import Final

from gatewayz.domain.catalog.catalog import Model

__all__ = ["Match", "SearchIndex"]

_JOINTS: Final = frozenset(" /-_.:@(")
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
        self._models = [
            (
                model.id,
                (model.id.lower(), model.id.lower().partition("/")[2], model.name.lower()),
                model.description.lower(),
            )
            for model in models
        ]

    def find(self, query: str) -> dict[str, Match]:
        """Return the ids of every model that fits, and how well; every model for an empty query."""
        wanted = " ".join(query.lower().split())
        if not wanted:
            return dict.fromkeys((model_id for model_id, _, _ in self._models), Match.EXACT)
        words = wanted.split(" ")
        found: dict[str, Match] = {}
        for model_id, names, description in self._models:
            match = _match(wanted, words, names, description)
            if match is not None:
                found[model_id] = match
        return found


def _match(wanted: str, words: list[str], names: tuple[str, ...], description: str) -> Match | None:
    if any(wanted in name for name in names):
        return _name_match(wanted, names)
    if wanted in description:
        return Match.DESCRIPTION
    if len(words) > 1 and all(word in names[0] or word in names[2] or word in description for word in words):
        return Match.WORDS
    return None


def _name_match(wanted: str, names: tuple[str, ...]) -> Match:
    if wanted in names:
        return Match.EXACT
    if any(name.startswith(wanted) for name in names):
        return Match.PREFIX
    return Match.WORD if any(_starts_word(wanted, name) for name in names) else Match.PART


def _starts_word(wanted: str, name: str) -> bool:
    at = name.find(wanted)
    while at >= 0:
        if at == 0 or name[at - 1] in _JOINTS:
            return True
        at = name.find(wanted, at + 1)
    return False
