"""The body of `/admin/add_credits`. Source: spec 07 §3."""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["AddCreditsBody"]


class AddCreditsBody(msgspec.Struct, frozen=True, kw_only=True):
    """Whose key or id, and how much; `amount` is another name of `credits`."""

    reason: Annotated[str, Meta(min_length=10, max_length=500)]
    api_key: Annotated[str, Meta(min_length=1, max_length=512)] | None = None
    user_id: Annotated[int, Meta(ge=1, le=2**63 - 1)] | None = None
    credits: Decimal | None = None
    amount: Decimal | None = None
