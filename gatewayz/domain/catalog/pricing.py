"""Prices as people write them to prices as the gateway calculates, and what a call is likely to cost."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

import msgspec

from gatewayz.config.sections.models import ImageRateEntry, PriceEntry, PriceTierEntry, Rate
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.money import TOKENS_PER_PRICE_UNIT, Nano, nano_from_usd
from gatewayz.sdk.offers import ImageRate, Offer, Price, PriceTier
from gatewayz.sdk.usage import Usage

__all__ = ["likely_cost", "likely_media_cost", "price_from_entry", "scaled_price"]

_NO_RATES: Final = frozenset(("images", "tiers", "source", "date"))
_RATES: Final = tuple(name for name in Price.__struct_fields__ if name not in _NO_RATES)
_TIER_RATES: Final = tuple(name for name in PriceTier.__struct_fields__ if name != "above_tokens")


def likely_cost(offers: Iterable[Offer], prompt_tokens: int, output_tokens: int, n: int = 1) -> Nano:
    """Return the cost of a call at the dearest of the offers it may go to; 0 when none of them has a price.

    :param output_tokens: the caller's limit, or the model's `default_output_tokens`; for each of `n` answers.
    """
    usage = Usage(input_tokens=prompt_tokens, output_tokens=output_tokens * n)
    return Nano(max((offer.price.cost(usage).total for offer in offers if offer.price is not None), default=0))


def likely_media_cost(offers: Iterable[Offer], media: Usage) -> Nano:
    """Return what to hold for pictures or sound: a tenth above the cost at the dearest of the offers.

    Source: spec 08 §1, §2.
    """
    dearest = max((offer.price.cost(media).total for offer in offers if offer.price is not None), default=0)
    return Nano((dearest * 11 + 9) // 10)


def price_from_entry(entry: PriceEntry, key: str) -> Price:
    """Return the price in nano-dollars.

    :param key: path of the entry in the configuration, for errors.
    Raises ConfigurationError when a rate is negative, not a number or finer than a nano-dollar.
    """
    output = _optional(entry.output, f"{key}.output") or 0
    return Price(
        input=_optional(entry.input, f"{key}.input") or 0,
        output=output,
        cache_read=_optional(entry.cache_read, f"{key}.cache_read"),
        cache_write_5m=_optional(entry.cache_write_5m, f"{key}.cache_write_5m"),
        cache_write_1h=_optional(entry.cache_write_1h, f"{key}.cache_write_1h"),
        reasoning=_optional(entry.reasoning, f"{key}.reasoning"),
        audio_input=_optional(entry.audio_input, f"{key}.audio_input"),
        audio_output=_optional(entry.audio_output, f"{key}.audio_output"),
        request=_nano(entry.request, f"{key}.request"),
        image=_optional(entry.image, f"{key}.image"),
        images=tuple(_image_rate(rate, output, f"{key}.images[{at}]") for at, rate in enumerate(entry.images)),
        second=_optional(entry.second, f"{key}.second"),
        character=_optional(entry.character, f"{key}.character"),
        tiers=_tiers(entry.tiers, f"{key}.tiers"),
        source=entry.source,
        date=entry.date,
    )


def _image_rate(entry: ImageRateEntry, output: int, key: str) -> ImageRate:
    """Return the rate; one in tokens becomes money at the rate of output tokens, rounded up."""
    price = _optional(entry.price, f"{key}.price")
    if price is None:
        price = -(-(entry.tokens or 0) * output // TOKENS_PER_PRICE_UNIT)
    return ImageRate(price=price, size=entry.size, quality=entry.quality)


def scaled_price(price: Price, factor: Decimal) -> Price:
    """Return a price of which every rate is the same share, each rounded half up to a whole nano-dollar.

    Rates of tokens are per million, so that what is rounded away is a millionth of a nano-dollar a token.
    """
    tiers = tuple(msgspec.structs.replace(tier, **_scaled(tier, _TIER_RATES, factor)) for tier in price.tiers)
    images = tuple(msgspec.structs.replace(rate, **_scaled(rate, ("price",), factor)) for rate in price.images)
    return msgspec.structs.replace(price, tiers=tiers, images=images, **_scaled(price, _RATES, factor))


def _scaled(rates: Price | PriceTier | ImageRate, names: Iterable[str], factor: Decimal) -> dict[str, int]:
    known = {name: rate for name in names if (rate := getattr(rates, name)) is not None}
    return {name: int((rate * factor).to_integral_value(ROUND_HALF_UP)) for name, rate in known.items()}


def _tiers(entries: tuple[PriceTierEntry, ...], key: str) -> tuple[PriceTier, ...]:
    tiers = [_tier(entry, f"{key}[{at}]") for at, entry in enumerate(entries)]
    return tuple(sorted(tiers, key=lambda tier: tier.above_tokens))


def _tier(entry: PriceTierEntry, key: str) -> PriceTier:
    return PriceTier(
        above_tokens=entry.above_tokens,
        input=_nano(entry.input, f"{key}.input"),
        output=_nano(entry.output, f"{key}.output"),
        cache_read=_optional(entry.cache_read, f"{key}.cache_read"),
        cache_write_5m=_optional(entry.cache_write_5m, f"{key}.cache_write_5m"),
        cache_write_1h=_optional(entry.cache_write_1h, f"{key}.cache_write_1h"),
    )


def _optional(rate: Rate | None, key: str) -> int | None:
    return None if rate is None else _nano(rate, key)


def _nano(rate: Rate, key: str) -> Nano:
    """Convert by the number's shortest text, so that the YAML number 0.15 is exactly fifteen cents."""
    try:
        amount = nano_from_usd(Decimal(str(rate)) if isinstance(rate, float) else rate)
    except (ValueError, ArithmeticError) as err:
        raise ConfigurationError(f"{key}: {err}") from err
    if amount < 0:
        raise ConfigurationError(f"{key}: a price is not negative: {rate!r}")
    return amount
