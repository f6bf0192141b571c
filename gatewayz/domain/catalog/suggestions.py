"""Names that look like a mistyped one, within a few milliseconds for thousands of models.

Two passes: letter pairs as bits of one integer pick the likely names (a bit count each), then an
exact comparison ranks those few. Measured: docs/models.md.
"""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from heapq import nlargest
from typing import Final
from zlib import crc32

__all__ = ["Suggester"]

_BITS: Final = 256
_SHORTLIST: Final = 32
_COUNT: Final = 5
_MIN_SIMILARITY: Final = 0.55
_MAX_LENGTH: Final = 96

_Spelling = tuple[int, int, str, str]
"""Pairs as bits, how many, the lower-case name, the id it stands for."""


class Suggester:
    """Finds the ids closest to a name.

    :param ids: canonical ids that may be suggested.
    :param aliases: other lower-case names to the ids they stand for.
    """

    def __init__(self, ids: Iterable[str], aliases: Mapping[str, str]) -> None:
        known: dict[str, int] = {}
        full: list[_Spelling] = []
        bare: list[_Spelling] = []
        for model_id in ids:
            name = model_id.lower()
            full.append(_spelling(name, model_id, known))
            bare.append(_spelling(name.partition("/")[2] or name, model_id, known))
        for name, model_id in aliases.items():
            (full if "/" in name else bare).append(_spelling(name, model_id, known))
        self._full, self._bare = tuple(full), tuple(bare)

    def suggest(self, requested: str) -> tuple[str, ...]:
        """Return up to five ids, closest first; none when nothing is close.

        A name with a slash is compared with whole ids, one without with the part behind the vendor.
        """
        wanted = requested.strip().lower()[:_MAX_LENGTH]
        bits, size, *_ = _spelling(wanted, "", {})
        # Dice's coefficient of the pair sets, without its constant factor.
        rough = nlargest(
            _SHORTLIST,
            (
                ((bits & pairs).bit_count() / (size + count), name, model_id)
                for pairs, count, name, model_id in (self._full if "/" in wanted else self._bare)
            ),
        )
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(wanted)
        best: dict[str, float] = {}
        for _, name, model_id in rough:
            matcher.set_seq1(name[:_MAX_LENGTH])
            similarity = matcher.ratio()
            if similarity >= _MIN_SIMILARITY:
                best[model_id] = max(similarity, best.get(model_id, 0.0))
        return tuple(sorted(best, key=lambda model_id: (-best[model_id], model_id))[:_COUNT])


def _spelling(name: str, model_id: str, known: dict[str, int]) -> _Spelling:
    """Return the name with its letter pairs as bits; `known` remembers the bit of each pair."""
    padded = f" {name} "
    bits = 0
    for at in range(len(padded) - 1):
        pair = padded[at : at + 2]
        bit = known.get(pair)
        if bit is None:
            bit = known[pair] = 1 << (crc32(pair.encode(errors="replace")) % _BITS)
        bits |= bit
    return bits, bits.bit_count(), name, model_id
