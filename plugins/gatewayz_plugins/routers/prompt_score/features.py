"""Features of a prompt made by hand: its size, its shape, and how many words of each kind it has."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import log1p
from typing import Final

from gatewayz_plugins.routers.prompt_score.tokens import NUMBER
from gatewayz_plugins.routers.prompt_score.words import GROUPS, PAIRS, PHRASES, WORDS

__all__ = ["CHOICES", "NAMES", "features_of"]

_SIZE: Final = (
    "letters", "words", "sentences", "sentence_words", "word_letters", "long_words", "variety",
    "numbers", "numbers_share", "big_numbers",
)  # fmt: skip
_MARKS: Final[dict[str, tuple[str, ...]]] = {
    "lines": ("\n",),
    "questions": ("?",),
    "operators": ("=", "+", "^", "<", ">", "*", "/"),
    "latex": ("\\", "$"),
    "code_marks": ("{", "[", ";", "```", "()", "_"),
    "money": ("$", "€", "£"),
    "percent": ("%",),
    "quotes": ('"', "“"),
    "commas": (",",),
    "colons": (":",),
    "parentheses": ("(",),
}
"""What is counted in the text, by the name of the feature."""
_CHOICES: Final = ("choices", "choice_words", "choice_numbers", "stem_words")
NAMES: Final = (
    *_SIZE,
    *_MARKS,
    *("blanks", "ends_question", "foreign"),
    *_CHOICES,
    *(f"words_{kind}" for kind in GROUPS),
    *(f"phrase_{name}" for name in PHRASES),
)
"""Names of the features, in the order in which `features_of` returns them."""
CHOICES: Final = NAMES.index("choices")
"""Where the feature stands that is above 0 for questions with choices."""

_ENDS: Final = (". ", ".\n", "? ", "?\n", "! ", "!\n")
"""Ends of sentences inside a text."""
_CHOICE: Final = re.compile(r"^[ \t]*\(?[a-j][.):][ \t]*(.*)$", re.MULTILINE)
_FOREIGN: Final = re.compile(r"[\u0250-\u1fff\u3040-\ufaff]")
"""Letters of other scripts than the Latin one."""
_LONG_WORD: Final = 9
_BIG_NUMBER: Final = 3
_FEWEST_CHOICES: Final = 2


def features_of(text: str, tokens: Sequence[str]) -> list[float]:
    """Return the features of a prompt, in the order of NAMES.

    :param text: what is looked at of the prompt, in lower case.
    :param tokens: its tokens.
    """
    counts = Counter(tokens)
    return [
        *_size(text, tokens, counts),
        *_marks(text),
        *_choices(text, len(tokens)),
        *_kinds(counts),
        *_phrases(tokens),
    ]


def _size(text: str, tokens: Sequence[str], counts: Mapping[str, int]) -> list[float]:
    words = max(len(tokens), 1)
    letters = sum(map(len, tokens))
    sentences = sum(map(text.rstrip().count, _ENDS)) + 1
    numbers = [(int(token[1:]), times) for token, times in counts.items() if token[0] == NUMBER]
    number_count = sum(times for _, times in numbers)
    return [
        log1p(letters),
        log1p(words),
        log1p(sentences),
        log1p(words / sentences),
        letters / words,
        sum(times for token, times in counts.items() if len(token) >= _LONG_WORD) / words,
        len(counts) / words,
        log1p(number_count),
        number_count / words,
        log1p(sum(times for digits, times in numbers if digits >= _BIG_NUMBER)),
    ]


def _marks(text: str) -> list[float]:
    count = text.count
    return [
        *(log1p(sum(map(count, marks))) for marks in _MARKS.values()),
        float("__" in text or " _ " in text),
        float(text.rstrip().endswith("?")),
        0.0 if text.isascii() else len(_FOREIGN.findall(text)) / len(text),
    ]


def _choices(text: str, words: int) -> list[float]:
    found = list(_CHOICE.finditer(text))
    if len(found) < _FEWEST_CHOICES:
        return [0.0, 0.0, 0.0, log1p(words)]
    choices = [each[1].strip() for each in found]
    return [
        log1p(len(choices)),
        log1p(sum(choice.count(" ") + 1 for choice in choices)),
        sum(choice.lstrip("$-( ")[:1].isdigit() for choice in choices) / len(choices),
        log1p(text.count(" ", 0, found[0].start()) + 1),
    ]


def _kinds(counts: Mapping[str, int]) -> list[float]:
    kinds = dict.fromkeys(GROUPS, 0)
    for token in counts.keys() & WORDS.keys():
        for kind in WORDS[token]:
            kinds[kind] += counts[token]
    return [log1p(found) for found in kinds.values()]


def _phrases(tokens: Sequence[str]) -> list[float]:
    phrases = dict.fromkeys(PHRASES, 0)
    for pair in set(pairwise(tokens)) & PAIRS.keys():
        phrases[PAIRS[pair]] += 1
    return [log1p(found) for found in phrases.values()]
