"""Which prices cannot be right: far from what the same model costs elsewhere, or absurd by themselves."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from statistics import median
from typing import Final

from gatewayz.sdk.offers import Price

__all__ = ["FAR_OFF", "absurd", "outliers"]

FAR_OFF: Final = 20
"""Times the median of a model's offers that a price may be above or below it."""
DEAREST: Final = 100_000 * 10**9
"""Nano-dollars per million tokens: above $100 per 1,000 tokens is a mistake in the source (spec 00 §12)."""
DEAREST_EMBEDDING: Final = 5 * 10**9
"""Likewise for embeddings: the dearest that is sold costs below $1 per million."""


def absurd(price: Price, *, is_embedding: bool = False) -> bool:
    """Tell whether a price cannot be meant."""
    return (price.input + price.output) // 2 > (DEAREST_EMBEDDING if is_embedding else DEAREST)


def outliers(offers: Mapping[str, Price], own: str | None) -> Iterator[tuple[str, Decimal]]:
    """Yield the providers of one model whose price is far off, and how many times the median it is.

    :param own: the maker's own provider, which is believed where only two disagree.
    """
    rates = {name: _blended(price) for name, price in offers.items() if _blended(price)}
    if len(rates) == 2:
        others = {name: rate for name, rate in rates.items() if name != own}
        middle = rates[own] if own in rates else max(rates.values())
        rates = others
    elif len(rates) > 2:
        middle = Decimal(median(rates.values()))
    else:
        return
    for name, rate in rates.items():
        if rate > middle * FAR_OFF or rate * FAR_OFF < middle:
            yield name, rate / middle


def _blended(price: Price) -> Decimal:
    return Decimal(3 * price.input + price.output) / 4
