"""What status routes take. Source: spec 05 §6 (15.1 to 15.9)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from gatewayz.domain.status.shown import OfferWord
from gatewayz.domain.status.tiers import Tier
from gatewayz.domain.status.use import Period
from gatewayz.store.incident_records import Severity

__all__ = ["HistoryQuery", "IncidentQuery", "NotesBody", "OfferQuery", "ResolveBody", "SearchQuery"]

Notes = Annotated[str, Meta(min_length=1, max_length=2000)]


class OfferQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/status/models`; `gateway` and `provider` mean the same."""

    provider: str | None = None
    gateway: str | None = None
    status: OfferWord | None = None
    tier: Tier | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100
    offset: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class IncidentQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/status/incidents`."""

    status: Literal["active", "resolved"] | None = None
    severity: Severity | None = None
    provider: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 50


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/status/uptime/{provider}/{model_id}`."""

    period: Period = "24h"


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/status/search`."""

    q: Annotated[str, Meta(min_length=2, max_length=200)]
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class NotesBody(msgspec.Struct, frozen=True, kw_only=True):
    """`PATCH /v1/status/incidents/{incident_id}`."""

    resolution_notes: Notes


class ResolveBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/status/incidents/{incident_id}/resolve`."""

    resolution_notes: Notes | None = None
