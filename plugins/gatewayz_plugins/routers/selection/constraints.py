"""What a call demands of an offer; an offer that lacks any of it is never chosen."""

from typing import Final

from gatewayz.sdk.interfaces import RoutingCall
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.sdk.offers import Offer

__all__ = ["refusal"]

UNKNOWN_CONTEXT: Final = 8192
"""Tokens an offer is taken to hold when nothing is known: what the smallest models of today hold."""


def refusal(offer: Offer, call: RoutingCall) -> str | None:
    """Return the constraint that an offer fails, None when it keeps all."""
    if call.provider is not None and offer.provider != call.provider:
        return f"not at provider {call.provider}"
    if not call.needs <= offer.features:
        return f"no {', '.join(sorted(call.needs - offer.features))}"
    output = call.max_output_tokens or 0
    needed = call.prompt_tokens + output
    if needed > (offer.context_length or UNKNOWN_CONTEXT):
        return f"context below {needed} tokens"
    if offer.max_output_tokens is not None and output > offer.max_output_tokens:
        return f"answers below {output} tokens"
    price = offer.price
    if price is None:
        return "no known price"
    cap = call.price_cap
    if cap is not None and (_above(price.input, cap.prompt) or _above(price.output, cap.completion)):
        return "above max_price"
    return None


def _above(rate: int, cap_usd: float | None) -> bool:
    return cap_usd is not None and rate > cap_usd * NANO_PER_USD
