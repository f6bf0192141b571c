"""The tables, one module for each aggregate; importing this package completes the metadata."""

from gatewayz.store.sql.tables import (
    access,
    accounts,
    analytics,
    catalog,
    conversations,
    errors,
    health,
    idempotency,
    incidents,
    leases,
    ledger,
    maintenance,
    observation,
    payments,
    promotions,
    sign_ups,
    usage,
)
from gatewayz.store.sql.types import metadata

__all__ = [
    "access",
    "accounts",
    "analytics",
    "catalog",
    "conversations",
    "errors",
    "health",
    "idempotency",
    "incidents",
    "leases",
    "ledger",
    "maintenance",
    "metadata",
    "observation",
    "payments",
    "promotions",
    "sign_ups",
    "usage",
]
