"""Weighted rendezvous hashing: each conversation ranks the offers by draws of its own.

When an offer goes away only the conversations on it move, and its return brings just them back; over many
conversations each offer is first in proportion to its weight.
Source: Thaler and Ravishankar 1998; weights by -w / ln(u), Schindelhauer and Schomaker 2005; the mixing is the last
step of SplitMix64, Steele, Lea and Flood 2014.
"""

from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from math import log
from typing import Final

__all__ = ["Draw", "draw", "number_of", "standing"]

Draw = Callable[[int, str], float]
"""A conversation's number and an offer to a number between 0 and 1, both left out: always the same one."""

_CELLS: Final = 1 << 53
_MASK: Final = (1 << 64) - 1


def number_of(text: str) -> int:
    """Return the 64-bit number of a text, the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "replace"), digest_size=8).digest())


_number_of_offer = lru_cache(maxsize=4096)(number_of)


def draw(conversation: int, offer: str) -> float:
    """Return the same number in every process."""
    mixed = conversation ^ _number_of_offer(offer)
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return (((mixed ^ (mixed >> 31)) >> 11) + 0.5) / _CELLS


def standing(weight: float, drawn: float) -> float:
    """Return how far forward a draw puts an offer of this weight: the highest is first."""
    return -weight / log(drawn)
