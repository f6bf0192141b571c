"""How long an answer will be. Set by hand: the data holds few answers' lengths (docs/routing/model-card.md)."""

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import Final

from gatewayz_plugins.routers.prompt_score.tokens import tokens_of

__all__ = ["expected_tokens"]

_TYPICAL: Final = {"code": 400, "math": 330, "knowledge": 120, "reasoning": 200, "writing": 500, "chat": 150}
"""Tokens of a usual answer in a domain. Mathematics: the median of the priced answers in `math_hard`."""
_LONGER: Final = frozenset(
    tokens_of("essay article detailed comprehensive thorough report chapter story tutorial guide")
)
_SHORTER: Final = frozenset(tokens_of("briefly brief concise short sentence tweet headline title tagline"))
_SHORTEST: Final = (("one", "word"), ("single", "word"), ("yes", "no"), ("single", "choice"), ("only", "answer"))
_FEWEST: Final = 4


def expected_tokens(domains: Mapping[str, float], tokens: Sequence[str]) -> int:
    """Return the expected tokens of an answer: those usual in its domains, more or less by what the prompt asks for.

    :param domains: probability of each domain.
    :param tokens: the prompt's tokens.
    """
    likely = sum(share * log(_TYPICAL[name]) for name, share in domains.items())
    words = set(tokens)
    if words & _LONGER:
        likely += log(2.0)
    if words & _SHORTER:
        likely -= log(2.5)
    if any(words.issuperset(pair) and _are_near(tokens, pair) for pair in _SHORTEST_TOKENS):
        likely = log(_FEWEST)
    return max(1, round(exp(likely)))


def _are_near(tokens: Sequence[str], pair: Sequence[str]) -> bool:
    at = tokens.index(pair[0])
    return pair[1] in tokens[at : at + 4]


_SHORTEST_TOKENS: Final = tuple(tuple(tokens_of(" ".join(pair))) for pair in _SHORTEST)
