"""HTTP requests that this process answered, by method, endpoint and status."""

from collections.abc import Mapping
from typing import Final

from gatewayz.domain.observation.sketch import Sketch

__all__ = ["UNKNOWN_ENDPOINT", "Answered", "RequestRecord"]

UNKNOWN_ENDPOINT: Final = "none"
"""Stands for paths without a route, which callers make up."""
_METHODS: Final = frozenset(("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"))


class Answered:
    """Requests of one method to one endpoint."""

    __slots__ = ("duration_ms", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[int, int] = {}
        """Status to how many; 499 is a caller that left before there was one."""
        self.duration_ms = Sketch()
        """Until the last byte was handed over, of streams too."""

    def merge(self, other: "Answered") -> None:
        """Take in what another process answered."""
        for status, count in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + count
        self.duration_ms.merge(other.duration_ms)


class RequestRecord:
    """What is counted where requests come in. One per process."""

    def __init__(self) -> None:
        self.in_progress = 0
        self.working = 0
        """Inference requests being worked on, streams that wait for a provider not counted."""
        self.refused = 0
        """Inference requests there was no room for."""
        self._answered: dict[tuple[str, str], Answered] = {}

    def answered(self) -> Mapping[tuple[str, str], Answered]:
        """Return all counts by method and endpoint."""
        return self._answered

    def record(self, method: str, endpoint: str, status: int, seconds: float) -> None:
        """Count a request that was answered.

        :param endpoint: the route's template, never what a caller wrote; `UNKNOWN_ENDPOINT` without a route.
        """
        answered = self._answered.get((method, endpoint))
        if answered is None:
            answered = self._of(method, endpoint)
        statuses = answered.statuses
        statuses[status] = statuses.get(status, 0) + 1
        answered.duration_ms.add(seconds * 1000)

    def _of(self, method: str, endpoint: str) -> Answered:
        return self._answered.setdefault((method if method in _METHODS else "OTHER", endpoint), Answered())
