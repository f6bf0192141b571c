"""Does a question ask for what changes with time? Words that say so, each with how much it says; English only.

Source: spec 01 §1.1 (`auto_web_search`, `web_search_threshold`).
"""

import re
from datetime import datetime
from typing import Final

__all__ = ["timeliness"]

_LOOKED_AT: Final = 500
"""Characters from each end: a question stands before or after what it is about."""
_CODE: Final = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_YEAR: Final = re.compile(r"\b(20\d\d)\b")
_YEAR_SAYS: Final = 0.5
_SIGNS: Final = tuple(
    (re.compile(rf"\b(?:{words})\b", re.IGNORECASE), weight)
    for weight, words in (
        (
            0.9,
            r"search (?:the web|the internet|online)|look (?:it |this |that )?up (?:online|on the web)|browse the web",
        ),
        (
            0.6,
            r"latest|newest|most recent|breaking|today|tonight|yesterday|currently|right now|at the moment|nowadays|"
            r"as of (?:now|today)|this (?:week|weekend|month|year|morning|evening|season)|up[- ]to[- ]date|"
            r"just (?:released|announced|launched|happened)",
        ),
        (0.5, r"news|headlines|weather|forecast|(?:stock|share) prices?|exchange rates?|live scores?"),
        (0.3, r"current|recent|recently|now|price of|who (?:won|is winning)|release date|released|schedule|upcoming"),
    )
)


def timeliness(question: str, now: datetime) -> float:
    """Return how surely a question asks for what is new, 0 to 1: each kind of sign takes its share of the doubt."""
    text = _CODE.sub(" ", question)
    if len(text) > 2 * _LOOKED_AT:
        text = f"{text[:_LOOKED_AT]} {text[-_LOOKED_AT:]}"
    doubt = 1.0
    for sign, weight in _SIGNS:
        if sign.search(text):
            doubt *= 1 - weight
    if any(int(year) >= now.year - 1 for year in _YEAR.findall(text)):
        doubt *= 1 - _YEAR_SAYS
    return round(1 - doubt, 3)
