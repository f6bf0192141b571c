"""Shapes of personal data. Every pattern is bounded: none has nested or adjacent open repetitions.

Sources: ISO 13616 (IBAN, checksum by ISO 7064 mod 97-10), ISO/IEC 7812 (card numbers, Luhn), RFC 5321 §4.5.3
(lengths of addresses), ITU-T E.164 (at most 15 digits).
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping
from ipaddress import ip_address
from typing import Final, Literal, NamedTuple

__all__ = ["KINDS", "Kind", "redacted"]

Kind = Literal["email", "iban", "credit_card", "ip_address", "phone"]

_SPACES: Final = " \u00a0\u2009\u202f"
_HYPHENS: Final = "\u2010-\u2015-"
_WINDOW: Final = 8_192
"""Characters that are looked through before others get their turn."""
_MARGIN: Final = 1_024
"""More than any shape is long."""
_CARD: Final = re.compile(
    r"4\d{12}(?:\d{3}){0,2}|5\d{15,18}|2[2-7]\d{14}|3[47]\d{13}|3[0689]\d{12}|35\d{14,17}|6\d{12,18}"
)
"""How the numbers of the networks begin, and how long they are: lists of numbers often have a right Luhn digit."""
_LETTERS_AS_NUMBERS: Final = {ord("A") + each: str(10 + each) for each in range(26)}
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
"""Sums of the digits of twice a digit."""


class _Shape(NamedTuple):
    pattern: re.Pattern[str]
    real: Callable[[str], int]
    """How many characters of a match are the real thing, from its beginning; 0: it only looks like it."""
    may_start_inside: bool = False
    """Whether another may begin inside of a match that is not real."""


def _where(is_real: Callable[[str], bool]) -> Callable[[str], int]:
    return lambda text: len(text) if is_real(text) else 0


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _is_card(text: str) -> bool:
    digits = _digits(text)
    if _CARD.fullmatch(digits) is None:
        return False
    turned = digits[::-1]
    return (sum(map(int, turned[::2])) + sum(_DOUBLED[int(digit)] for digit in turned[1::2])) % 10 == 0


def _iban_length(text: str) -> int:
    """Return how long the IBAN is that a match begins with: words that follow it may look like more groups of it."""
    words = text.upper().split()
    for count in range(len(words), 0, -1):
        plain = "".join(words[:count])
        if len(plain) < 15:
            break
        if len(plain) <= 34 and int((plain[4:] + plain[:4]).translate(_LETTERS_AS_NUMBERS)) % 97 == 1:
            return len(plain) + count - 1  # one space between two words
    return 0


def _is_address(text: str) -> bool:
    """Parts of programs look like short addresses of version 6: `a[1::2]`, `ab::cd`."""
    groups = [group for group in text.split(":") if group]
    if ":" in text and not (len(groups) > 1 and len(max(groups, key=len)) > 2 and _digits(text)):
        return False
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_phone(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15


KINDS: Final[Mapping[Kind, _Shape]] = {
    "email": _Shape(
        re.compile(
            r"(?<![\w.+-])[\w.+-]{1,64}[@\uff20]"
            r"(?:[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}|[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})"
        ),
        len,
    ),
    "iban": _Shape(
        re.compile(
            rf"\b[A-Za-z]{{2}}[0-9]{{2}}(?:[{_SPACES}]?[A-Za-z0-9]{{4}}){{2,7}}(?:[{_SPACES}]?[A-Za-z0-9]{{1,3}})?\b"
        ),
        _iban_length,
        may_start_inside=True,
    ),
    "credit_card": _Shape(
        re.compile(
            r"(?<!\d)(?<!\d\.)(?:"
            rf"\d{{4}}([{_SPACES}{_HYPHENS}])\d{{4}}\1\d{{4}}\1\d{{4}}|"
            rf"\d{{4}}[{_SPACES}{_HYPHENS}]\d{{6}}[{_SPACES}{_HYPHENS}]\d{{4,5}}|"
            rf"\d{{13,19}}|\d(?:[{_SPACES}{_HYPHENS}]?\d){{12,18}}"
            r")(?!\.?\d)"
        ),
        _where(_is_card),
        may_start_inside=True,
    ),
    "ip_address": _Shape(
        re.compile(
            r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?!\w|\.\d)|"
            r"(?<![\w.:])[0-9A-Fa-f]{1,4}(?::[0-9A-Fa-f]{0,4}){2,7}(?![\w:])"
        ),
        _where(_is_address),
    ),
    "phone": _Shape(
        re.compile(
            r"(?<![\w+])(?:\+\d{1,3}|\(\d{2,5}\)|0\d{1,4})"
            rf"(?:[{_SPACES}{_HYPHENS}./()]{{0,2}}\d){{2,14}}(?!\w)"
        ),
        _where(_is_phone),
    ),
}
"""In the order they are looked for: a card's number is no telephone's."""


async def redacted(text: str, kinds: tuple[Kind, ...]) -> tuple[str, set[Kind]]:
    """Return a text with what was found replaced by the name of its kind, and the kinds found.

    Others get their turn meanwhile, so that it can be cancelled, and a long text holds up nobody.
    """
    found: set[Kind] = set()
    for kind in kinds:
        pieces: list[str] = []
        told = 0
        for place in _places(text, KINDS[kind]):
            if place is None:
                await asyncio.sleep(0)
                continue
            start, end = place
            pieces += (text[told:start], f"[{kind.upper()}]")
            told = end
        if pieces:
            found.add(kind)
            text = "".join((*pieces, text[told:]))
    return text, found


def _places(text: str, shape: _Shape) -> Iterator[tuple[int, int] | None]:
    """Yield where the real ones begin and end, and None after each window."""
    at = 0
    for edge in range(_WINDOW, len(text) + _WINDOW, _WINDOW):
        while at < edge:
            match = shape.pattern.search(text, at, edge + _MARGIN)
            if match is None or match.start() >= edge:
                break
            if length := shape.real(match[0]):
                at = match.start() + length
                yield match.start(), at
            else:
                at = match.start() + 1 if shape.may_start_inside else match.end()
        at = max(at, edge)
        yield None
