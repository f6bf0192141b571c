"""A prompt as tokens that typing noise leaves alone.

Case and runs of blanks are dropped. A word's token is its letters in alphabetical order, so that swapped
letters change nothing: `solve` and `slove` are both `elosv`. Few words of a prompt share their letters.
"""

import re
from typing import Final

__all__ = ["HEAD", "TAIL", "looked_at", "token_of", "tokens_of"]

HEAD: Final = 3000
TAIL: Final = 1500
"""Characters read at the beginning and at the end: instructions stand there, and the time stays bounded."""

_BLANKS: Final = re.compile(r"[ \t]{2,}")
_TOKEN: Final = re.compile(r"[^\W\d_]+|\d+")


def looked_at(text: str) -> str:
    """Return what is read of a prompt, in lower case and with single blanks.

    That is all of it up to HEAD + TAIL characters, of a longer one its beginning and its end.
    """
    if len(text) > HEAD + TAIL:
        text = f"{text[:HEAD]}\n{text[-TAIL:]}"
    return _BLANKS.sub(" ", text.lower())


def token_of(word: str) -> str:
    """Return the token of one lower-case word; numbers are `0` and their number of digits."""
    return f"0{len(word)}" if word[0].isdigit() else "".join(sorted(word))


def tokens_of(text: str) -> list[str]:
    """Return the tokens of a lower-case text in order."""
    words = _TOKEN.findall(text)
    known = {word: token_of(word) for word in set(words)}
    return [known[word] for word in words]
