"""A prompt as tokens that typing noise leaves alone.

Case and runs of blanks are dropped. A word's token is its letters in alphabetical order, so that swapped
letters change nothing: `solve` and `slove` are both `elosv`. Few words of a prompt share their letters.
"""

import re
from functools import lru_cache
from typing import Final

__all__ = ["HEAD", "NUMBER", "TAIL", "looked_at", "token_of", "tokens_of"]

HEAD: Final = 3000
TAIL: Final = 1500
"""Characters read at the beginning and at the end: instructions stand there, and the time stays bounded."""

NUMBER: Final = "#"
"""What the tokens of numbers begin with; those of words never do."""
LONGEST: Final = 24
"""Letters of a word that count."""

_BLANKS: Final = re.compile(r"[ \t]+")
_DIGITS: Final = "0123456789"
_BETWEEN: Final = {
    **{code: " " for code in range(128) if not chr(code).isalnum()},
    **dict.fromkeys(map(ord, "\u00a0\u2018\u2019\u201c\u201d\u2013\u2014\u2026«»\u00d7÷·•¿¡"), " "),
}
"""Characters that stand between words."""


def looked_at(text: str) -> str:
    """Return what is read of a prompt, in lower case and with single blanks.

    That is all of it up to HEAD + TAIL characters, of a longer one its beginning and its end.
    """
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    text = text.lower()
    return _BLANKS.sub(" ", text) if "  " in text or "\t" in text else text


@lru_cache(maxsize=8192)
def token_of(word: str) -> str:
    """Return the token of one lower-case word; of a number, with or without a unit, NUMBER and its count of digits."""
    if word[0] in _DIGITS:
        return f"{NUMBER}{len(word) - len(word.lstrip(_DIGITS))}"
    return "".join(sorted(word[:LONGEST]))


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a lower-case text in order."""
    return [token_of(word) for word in text.translate(_BETWEEN).split()]
