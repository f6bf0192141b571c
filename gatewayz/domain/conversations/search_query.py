"""What a user types into a search box, as words and phrases. Anything is a query; nothing is an operator."""

import re
from typing import Final

from gatewayz.store.conversation_records import TextQuery

__all__ = ["parse_query"]

_TERM: Final = re.compile(r'"([^"]*)"|([^\s"]+)')


def parse_query(text: str) -> TextQuery | None:
    """Return the terms of a text: words, and phrases in double quotes. None when there is not one letter or digit.

    A word at the end is taken as the beginning of one, for who is still typing.
    """
    terms: list[str] = []
    is_open = False
    for phrase, word in _TERM.findall(text.replace("\0", " ")):
        term = phrase or word
        if any(character.isalnum() for character in term):
            terms.append(term)
            is_open = bool(word)
    return TextQuery(terms=tuple(terms), is_open=is_open) if terms else None
