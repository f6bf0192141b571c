"""What the error monitor's routes take and show. Source: spec 05 §8."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.domain.error_patterns.pattern import Category, Example, Severity

__all__ = ["DayQuery", "PatternShown", "RecentQuery"]

Hours = Annotated[int, Meta(ge=1, le=24)]


class RecentQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /error-monitor/errors/recent`."""

    hours: Hours = 1
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class DayQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /error-monitor/errors/critical`, `/fixable`."""

    hours: Hours = 24


class PatternShown(msgspec.Struct, frozen=True, kw_only=True):
    """A pattern. `file` to `stack_trace`, and details of examples, are null where anybody may look."""

    error_type: str
    message: str
    category: Category
    severity: Severity
    provider: str | None
    model: str | None
    status: int | None
    """What the provider answered with."""
    file: str | None
    line: int | None
    function: str | None
    stack_trace: str | None
    timestamp: datetime
    """When it was first seen."""
    count: int
    """Since then."""
    last_seen: datetime
    examples: Sequence[Example]
    fixable: bool
    suggested_fix: str | None
