"""What the monitoring endpoints are asked. Source: spec 05 §4 (13.7 to 13.9)."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["CostQuery", "ErrorsQuery", "RealtimeQuery"]


class RealtimeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/monitoring/stats/realtime`."""

    hours: Annotated[int, Meta(ge=1, le=24)] = 1


class ErrorsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/monitoring/error-rates`."""

    hours: Annotated[int, Meta(ge=1, le=168)] = 24


class CostQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /api/monitoring/cost-analysis`."""

    days: Annotated[int, Meta(ge=1, le=90)] = 7
