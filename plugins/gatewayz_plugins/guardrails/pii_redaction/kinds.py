"""Shapes of personal data. Every pattern is bounded: none has nested or adjacent open repetitions.

Sources: ISO 13616 (IBAN, checksum by ISO 7064 mod 97-10), ISO/IEC 7812 (card numbers, Luhn), RFC 5321 §4.5.3
(lengths of addresses), ITU-T E.164 (at most 15 digits).
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import ip_address
from typing import Final, Literal, NamedTuple

__all__ = ["KINDS", "Kind", "redacted"]

Kind = Literal["email", "iban", "credit_card", "ip_address", "phone"]


class _Shape(NamedTuple):
    pattern: re.Pattern[str]
    is_real: Callable[[str], bool]


def _digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


def _has_luhn(text: str) -> bool:
    digits = [int(digit) for digit in reversed(_digits(text))]
    doubled = (sum(divmod(2 * digit, 10)) for digit in digits[1::2])
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_iban(text: str) -> bool:
    plain = text.replace(" ", "").upper()
    turned = plain[4:] + plain[:4]
    return 15 <= len(plain) <= 34 and int("".join(str(int(each, 36)) for each in turned)) % 97 == 1


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _is_phone(text: str) -> bool:
    return 8 <= len(_digits(text)) <= 15


KINDS: Final[Mapping[Kind, _Shape]] = {
    "email": _Shape(
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){1,8}"), lambda text: True
    ),
    "iban": _Shape(re.compile(r"\b[A-Za-z]{2}\d{2}(?: ?[A-Za-z0-9]{4}){2,7}(?: ?[A-Za-z0-9]{1,3})?\b"), _is_iban),
    "credit_card": _Shape(re.compile(r"(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]\d)(?!\d)"), _has_luhn),
    "ip_address": _Shape(
        re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7})(?![\w:])"),
        _is_address,
    ),
    "phone": _Shape(
        re.compile(r"(?<![\w+])(?:\+\d{1,3}|\(\d{2,5}\)|0\d{1,4})(?:[ ./-]?\(?\d{1,5}\)?){2,6}(?!\w)"), _is_phone
    ),
}
"""In the order they are looked for: a card's number is no telephone's."""


def redacted(text: str, kinds: tuple[Kind, ...]) -> tuple[str, set[Kind]]:
    """Return a text with what was found replaced by the name of its kind, and the kinds found."""
    found: set[Kind] = set()
    for kind in kinds:
        shape = KINDS[kind]

        def mask(match: re.Match[str], kind: Kind = kind, shape: _Shape = shape) -> str:
            if not shape.is_real(match[0]):
                return match[0]
            found.add(kind)
            return f"[{kind.upper()}]"

        text = shape.pattern.sub(mask, text)
    return text, found
