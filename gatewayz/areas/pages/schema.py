"""What the pages are asked for."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["DashboardPageQuery", "Period", "StatusPageQuery"]

Period = Literal["72h", "90d"]


class DashboardPageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Taken for compatibility: looking repairs nothing. Source: spec 05 §3.4 (12.4.2)."""

    auto_fix: bool = False


class StatusPageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which components the status page shows, and how far back."""

    q: Annotated[str, Meta(max_length=100)] = ""
    """Part of a provider's name or id."""
    period: Period = "72h"
