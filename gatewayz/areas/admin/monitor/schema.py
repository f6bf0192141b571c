"""What administrators ask of calls. Source: spec 07 §4 (24.4.2, 24.4.3)."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from gatewayz.domain.credits.transactions import parse_moment
from gatewayz.store.usage_records import UsageFilter

__all__ = ["CallsPage", "CallsQuery"]

Text = Annotated[str, Meta(max_length=200)]


class CallsQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which calls. Dates are days or moments (ISO 8601); the end's day is one of them."""

    model_id: Text | None = None
    provider_id: Text | None = None
    model_name: Text | None = None
    """A part of the name."""
    key_id: Annotated[int, Meta(ge=1, le=2**53)] | None = None
    start_date: Text | None = None
    end_date: Text | None = None

    def wanted(self) -> UsageFilter:
        """Return the filter. Raises SchemaInvalid (param `start_date`, `end_date`)."""
        return UsageFilter(
            model=self.model_id,
            provider=self.provider_id,
            name=self.model_name,
            key_id=self.key_id,
            since=parse_moment(self.start_date, "start_date", is_end=False),
            until=parse_moment(self.end_date, "end_date", is_end=True),
        )

    def filters(self) -> dict[str, Any]:
        """Return what was asked for, as it is shown."""
        names = ("model_id", "provider_id", "model_name", "key_id", "start_date", "end_date")
        return {name: value for name in names if (value := getattr(self, name)) is not None}


class CallsPage(CallsQuery, frozen=True, kw_only=True):
    """A page of them."""

    limit: Annotated[int, Meta(ge=1, le=100_000)] = 100
    offset: Annotated[int, Meta(ge=0, le=2**40)] = 0
