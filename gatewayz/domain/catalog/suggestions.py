"""Names that look like a mistyped one, within a few milliseconds for thousands of models.

Two passes: letter pairs as bits of one integer pick the likely names (a bit count each), then an
exact comparison ranks those few. Measured: docs/models.md.
"""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Final
from zlib import crc32

__all__ = ["Suggester"]

_BITS: Final = 512
_SHORTLIST: Final = 32
_COUNT: Final = 5
_MIN_SIMILARITY: Final = 0.55
_MAX_LENGTH: Final = 96


class Suggester:
    """Finds the ids closest to a name.

    :param ids: canonical ids that may be suggested.
    :param names: other lower-case names to the ids they stand for.
    """

    def __init__(self, ids: Iterable[str], names: Mapping[str, str]) -> None:
        spellings = {model_id.lower(): model_id for model_id in ids}
        spellings.update({name: model_id for name, model_id in names.items() if name not in spellings})
        self._spellings = tuple((_pairs(name), name, model_id) for name, model_id in spellings.items())

    def suggest(self, requested: str) -> tuple[str, ...]:
        """Return up to five ids, closest first; none when nothing is close."""
        wanted = requested.strip().lower()[:_MAX_LENGTH]
        bits = _pairs(wanted)
        size = bits.bit_count()
        if not size:
            return ()
        # Dice's coefficient of the pair sets, without its constant factor.
        rough = sorted(
            ((bits & pairs).bit_count() / (size + pairs.bit_count()), name, model_id)
            for pairs, name, model_id in self._spellings
            if bits & pairs
        )[-_SHORTLIST:]
        matcher = SequenceMatcher(autojunk=False)
        matcher.set_seq2(wanted)
        best: dict[str, float] = {}
        for _, name, model_id in rough:
            matcher.set_seq1(name[:_MAX_LENGTH])
            similarity = matcher.ratio()
            if similarity >= _MIN_SIMILARITY:
                best[model_id] = max(similarity, best.get(model_id, 0.0))
        return tuple(sorted(best, key=lambda model_id: (-best[model_id], model_id))[:_COUNT])


def _pairs(name: str) -> int:
    """Return the set of a name's letter pairs as bits."""
    encoded = f" {name} ".encode(errors="replace")
    bits = 0
    for at in range(len(encoded) - 1):
        bits |= 1 << (crc32(encoded[at : at + 2]) % _BITS)
    return bits
