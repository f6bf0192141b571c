"""Weighted rendezvous hashing: each conversation ranks the offers by draws of its own.

When an offer goes away only the conversations on it move, and its return brings just them back; over many
conversations each offer is first in proportion to its weight.
Source: Thaler and Ravishankar 1998; weights by -w / ln(u), Schindelhauer and Schomaker 2005.
"""

from collections.abc import Callable
from hashlib import blake2b
from math import log
from typing import Final

__all__ = ["Draw", "draw", "standing"]

Draw = Callable[[str, str], float]
"""A conversation and an offer to a number between 0 and 1, both left out: always the same one."""

_CELLS: Final = 1 << 53


def draw(conversation: str, offer: str) -> float:
    """Return the same number in every process."""
    digest = blake2b(f"{conversation}\0{offer}".encode("utf-8", "replace"), digest_size=8).digest()
    return ((int.from_bytes(digest) >> 11) + 0.5) / _CELLS


def standing(weight: float, drawn: float) -> float:
    """Return how far forward a draw puts an offer of this weight: the highest is first."""
    return -weight / log(drawn)
