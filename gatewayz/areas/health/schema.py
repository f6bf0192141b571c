"""What health routes take. Source: spec 05 §3."""

import msgspec

from gatewayz.domain.health.shown import ModelStatus
from gatewayz.domain.health.uptime import Bucket, Period

__all__ = ["DashboardQuery", "GatewayQuery", "ModelsQuery", "UptimeQuery"]


class GatewayQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /health/providers`."""

    gateway: str | None = None


class ModelsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /health/models`."""

    gateway: str | None = None
    provider: str | None = None
    status: ModelStatus | None = None


class UptimeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /health/providers/uptime`."""

    period: Period = "72h"
    bucket: Bucket = "1h"


class DashboardQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /health/gateways/dashboard/data`."""

    auto_fix: bool = False
    """Taken for old clients: looking at health changes nothing here."""
