"""Rows of the error monitor, and what the domain needs of a store for it."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

__all__ = ["ErrorPatternStore", "PatternRow"]


class PatternRow(msgspec.Struct, frozen=True, kw_only=True):
    """Errors that are alike; moments are Unix milliseconds."""

    fingerprint: str
    count: int
    first_ms: int
    last_ms: int
    facts: str
    """JSON: what the errors have in common, and the latest of them."""


class ErrorPatternStore(Protocol):
    """Errors of all processes. Every method raises StoreUnavailable."""

    async def add(self, rows: Sequence[PatternRow]) -> None:
        """Add counts to what is kept; the facts of the latest error stay."""
        ...

    async def list_patterns(self, *, since_ms: int, limit: int) -> Sequence[PatternRow]:
        """Return patterns seen at or after a moment, those seen last first."""
        ...

    async def prune(self, before_ms: int, keep: int) -> int:
        """Forget patterns not seen since a moment, and all but `keep` of those seen last; return how many went."""
        ...
