"""Which prices cannot be right: absurd by themselves, or far from what the same model costs elsewhere."""

from typing import Final

from gatewayz.sdk.offers import Price

__all__ = ["FAR_OFF", "blended", "is_absurd", "is_far_off"]

FAR_OFF: Final = 20
"""Times the median of a model's offers that a price may be above or below it."""
DEAREST: Final = 100_000 * 10**9
"""Nano-dollars per million tokens: above $100 per 1,000 tokens is a mistake in the source (spec 00 §12)."""
DEAREST_EMBEDDING: Final = 5 * 10**9
"""Likewise for embeddings: the dearest that is sold costs below $1 per million."""


def blended(price: Price) -> int:
    """Return one number for a price: nano-dollars per million tokens, three of input to one of output."""
    return (3 * price.input + price.output) // 4


def is_absurd(price: Price, *, is_embedding: bool = False) -> bool:
    """Tell whether a price cannot be meant."""
    return (price.input + price.output) // 2 > (DEAREST_EMBEDDING if is_embedding else DEAREST)


def is_far_off(rate: int, median: int) -> bool:
    """Tell whether a blended rate is too far from the median of others."""
    return rate > median * FAR_OFF or rate * FAR_OFF < median
