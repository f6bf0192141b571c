"""Prices that are far from what the same model costs elsewhere."""

from collections.abc import Iterator, Mapping
from statistics import median

from gatewayz.domain.catalog.gate import blended, is_far_off
from gatewayz.sdk.offers import Price

__all__ = ["median_rate", "outliers"]


def median_rate(prices: list[Price]) -> int | None:
    """Return the median of the blended rates that are not zero; None when there is none."""
    rates = [rate for price in prices if (rate := blended(price))]
    return int(median(rates)) if rates else None


def outliers(offers: Mapping[str, Price], own: str | None) -> Iterator[tuple[str, float]]:
    """Yield the providers of one model whose price is far off, and how many times the median it is.

    :param own: the maker's own provider, which is believed where only two disagree.
    """
    rates = {name: rate for name, price in offers.items() if (rate := blended(price))}
    if len(rates) < 2:
        return
    if len(rates) == 2:
        believed = own if own in rates else max(rates, key=rates.__getitem__)
        middle = rates.pop(believed)
    else:
        middle = int(median(rates.values()))
    for name, rate in rates.items():
        if is_far_off(rate, middle):
            yield name, rate / middle
