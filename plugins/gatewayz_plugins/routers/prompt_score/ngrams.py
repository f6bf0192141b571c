"""Tokens hashed into buckets: what words say of a domain that are on no list."""

from collections.abc import Collection, Sequence
from functools import lru_cache
from math import sqrt
from typing import Final
from zlib import crc32

__all__ = ["BUCKETS", "Table", "bucket_of"]

BUCKETS: Final = 2048
Row = tuple[float, ...]


@lru_cache(maxsize=8192)
def bucket_of(token: str) -> int:
    """Return the bucket of a token, the same in every process."""
    return crc32(token.encode("utf-8", "surrogatepass")) % BUCKETS


class Table:
    """What each bucket says for each domain."""

    def __init__(self, content: bytes, scale: float, width: int) -> None:
        """Take `BUCKETS * width` signed bytes. Raises ValueError for any other number."""
        if len(content) != BUCKETS * width:
            raise ValueError(f"{len(content)} bytes of n-gram weights where {BUCKETS * width} are needed")
        values = [value * scale for value in memoryview(content).cast("b")]
        self._rows: list[Row] = [tuple(values[at : at + width]) for at in range(0, len(values), width)]

    def sums(self, tokens: Collection[str]) -> Sequence[float]:
        """Return for each domain what different tokens say together, divided by the root of their number."""
        rows = self._rows
        found = [rows[bucket_of(token)] for token in tokens]
        root = sqrt(len(found)) if found else 1.0
        return [sum(column) / root for column in zip(*found, strict=True)]
