"""What Grafana sends. Source: simPod/GrafanaJsonDatasource, README at 07e116d, and Grafana's simple JSON data source;
both read 2026-11-25. Members that nothing depends on are passed over."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

from gatewayz.web.moments import check_moments

__all__ = [
    "AdhocFilter",
    "AnnotationsBody",
    "QueryBody",
    "SearchBody",
    "TagKeysBody",
    "TagValuesBody",
    "Target",
    "TimeRange",
    "VariableBody",
]

Moment = Annotated[datetime, Meta(tz=True)]
Text = Annotated[str, Meta(max_length=200)]


class TimeRange(msgspec.Struct, frozen=True, kw_only=True):
    """What a panel shows."""

    start: Moment = field(name="from")
    end: Moment = field(name="to")

    def __post_init__(self) -> None:
        """Raise ValueError for a moment that UTC cannot name."""
        check_moments(self)


class Target(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """One query of a panel."""

    target: Text = ""
    """Empty in a panel that was just made."""
    ref_id: Text = ""
    type: Text = "timeseries"
    """`table` for rows; everything else is a series."""
    hide: bool = False


class AdhocFilter(msgspec.Struct, frozen=True, kw_only=True):
    """One filter that a viewer has added."""

    key: Text
    operator: Text
    value: Text


class QueryBody(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """`POST /query`."""

    range: TimeRange
    targets: Annotated[list[Target], Meta(max_length=26)]
    interval_ms: Annotated[float, Meta(ge=0, le=1e12)] = 60_000
    max_data_points: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    adhoc_filters: Annotated[list[AdhocFilter], Meta(max_length=20)] = []


class SearchBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /search`, and the payload of a variable."""

    target: Text | None = None


class VariableBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /variable`."""

    payload: SearchBody = SearchBody()


class AnnotationsBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /annotations`."""

    range: TimeRange
    annotation: dict[str, Any] = {}
    """Sent back with each annotation; its `query` narrows them down."""


class TagKeysBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /tag-keys` and `POST /metrics`: nothing is asked for."""


class TagValuesBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /tag-values`."""

    key: Text
