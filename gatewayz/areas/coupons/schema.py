"""What the coupon routes take. Source: spec 04 §3."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["HistoryQuery", "RedeemBody"]


class RedeemBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /coupons/redeem`."""

    code: Annotated[str, Meta(min_length=3, max_length=50)]


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /coupons/history`."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 50
