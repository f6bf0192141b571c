"""Models that an operator has announced as under maintenance."""

from datetime import datetime

import msgspec

__all__ = ["MaintenanceEntry"]


class MaintenanceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One announcement."""

    model: str
    """Canonical id."""
    until: datetime | None
    """When it ends by itself; None is when it is taken back."""
    reason: str
    created_by: str
    created_at: datetime
