"""How many different users: exact while they are few, within some percent when they are many.

Source: Flajolet et al., HyperLogLog, 2007, with 1,024 registers (standard error 3.3 %) and linear counting
for small counts.
"""

from collections.abc import Sequence
from math import log
from typing import Final

__all__ = ["Distinct"]

_EXACT: Final = 32
"""Up to so many ids are kept as they are."""
_BITS: Final = 10
_REGISTERS: Final = 1 << _BITS
_REST_BITS: Final = 64 - _BITS
_ALPHA: Final = 0.7213 / (1 + 1.079 / _REGISTERS)
_MASK: Final = (1 << 64) - 1


class Distinct:
    """Ids that were seen, as far as counting them needs."""

    __slots__ = ("_ids", "_registers")

    def __init__(self) -> None:
        self._ids: set[int] = set()
        self._registers: bytearray | None = None

    def add(self, user_id: int) -> None:
        """Take in an id."""
        if self._registers is not None:
            _mark(self._registers, user_id)
        else:
            self._ids.add(user_id)
            if len(self._ids) > _EXACT:
                self._grow()

    def merge(self, other: "Distinct") -> None:
        """Take in all ids of another."""
        if self._registers is None:
            self._ids |= other._ids
            if len(self._ids) > _EXACT:
                self._grow()
        else:
            for user_id in other._ids:
                _mark(self._registers, user_id)
        if other._registers is not None:
            own = self._grow() if self._registers is None else self._registers
            own[:] = bytes(map(max, own, other._registers))

    def count(self) -> int:
        """Return how many different ids there were."""
        registers = self._registers
        if registers is None:
            return len(self._ids)
        estimate = _ALPHA * _REGISTERS**2 / sum(2.0**-register for register in registers)
        empty = registers.count(0)
        if empty and estimate <= 2.5 * _REGISTERS:
            estimate = _REGISTERS * log(_REGISTERS / empty)
        return round(estimate)

    def pack(self) -> list[int] | bytes:
        """Return the ids, or the registers when they were too many."""
        return sorted(self._ids) if self._registers is None else bytes(self._registers)

    @classmethod
    def unpack(cls, packed: Sequence[int] | bytes) -> "Distinct":
        """Return what was packed."""
        distinct = cls()
        if isinstance(packed, bytes):
            distinct._registers = bytearray(packed)
        else:
            distinct._ids = set(packed)
        return distinct

    def _grow(self) -> bytearray:
        registers = self._registers = bytearray(_REGISTERS)
        for user_id in self._ids:
            _mark(registers, user_id)
        self._ids = set()
        return registers


def _mark(registers: bytearray, user_id: int) -> None:
    hashed = _hash(user_id)
    rest = hashed & ((1 << _REST_BITS) - 1)
    rank = _REST_BITS - rest.bit_length() + 1
    index = hashed >> _REST_BITS
    registers[index] = max(registers[index], rank)


def _hash(value: int) -> int:
    """Return 64 well mixed bits, the same in every process. Source: Steele et al., SplitMix64, 2014."""
    mixed = (value + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31)
