"""Answers in the memory of one process."""

from collections import OrderedDict
from datetime import datetime
from typing import Final

from gatewayz.domain.response_cache.kept_answer import KeptAnswer

__all__ = ["MemoryAnswers"]

_OVERHEAD_BYTES: Final = 1_500
"""What an entry takes beside its body: keys, structs, the usage."""


class MemoryAnswers:
    """Bounded by number and by bytes; the answer that was not asked for longest goes first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[bytes, KeptAnswer] = OrderedDict()
        self.size_bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def find(self, key: bytes, oldest: datetime) -> KeptAnswer | None:
        """Return the answer made after `oldest`; an older one is forgotten."""
        found = self._kept.get(key)
        if found is None:
            return None
        if found.made_at <= oldest:
            self._forget(key)
            return None
        self._kept.move_to_end(key)
        return found

    def keep(self, key: bytes, answer: KeptAnswer, *, max_entries: int, max_bytes: int) -> None:
        """Keep an answer, in place of one under the same key."""
        self._forget(key)
        self._kept[key] = answer
        self.size_bytes += _size(answer)
        while self._kept and (len(self._kept) > max_entries or self.size_bytes > max_bytes):
            self._forget(next(iter(self._kept)))

    def clear(self) -> None:
        """Forget all."""
        self._kept.clear()
        self.size_bytes = 0

    def _forget(self, key: bytes) -> None:
        before = self._kept.pop(key, None)
        if before is not None:
            self.size_bytes -= _size(before)


def _size(answer: KeptAnswer) -> int:
    return len(answer.body) + _OVERHEAD_BYTES
