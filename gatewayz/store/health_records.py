"""Readings of health checks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

__all__ = ["ComponentReading"]


class ComponentReading(msgspec.Struct, frozen=True, kw_only=True):
    """The newest look of a check."""

    name: str
    """Of the instance."""
    place: str
    """The machine it is true of; empty for what is true of all."""
    kind: str
    """Of the plugin (`disk`)."""
    state: str
    """up, degraded or down."""
    latency_ms: float | None
    detail: str
    facts: Mapping[str, Any]
    at: datetime
    since: datetime
    """First look of this state in a row."""
    failures: int
    """Looks in a row that were not `up`."""
    provider: str = ""
    """Whose health it tells of; empty for the gateway's own."""
