"""A model list in OpenAI's shape, with the members other vendors add; pure functions."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from gatewayz.sdk.money import TOKENS_PER_PRICE_UNIT, nano_from_usd
from gatewayz.sdk.offers import Feature, ModelListing, Price
from gatewayz_plugins.providers.openai_compatible.settings import ListingPrices

__all__ = ["LISTING_DECODER", "ListingAnswer", "listings"]

_CONTEXT = ("context_length", "context_window", "max_context_length", "max_model_len", "context_size")
_OUTPUT = ("max_output_tokens", "max_completion_tokens", "max_output_length")
_FEATURES: dict[str, Feature] = {
    "tools": "tools",
    "reasoning": "reasoning",
    "structured_outputs": "json_schema",
    "response_format": "json_mode",
    "logprobs": "logprobs",
}


class ListingPage(msgspec.Struct):
    """OpenAI's list object."""

    data: list[dict[str, Any]] = []


ListingAnswer = ListingPage | list[dict[str, Any]]
"""Together answers a bare list."""

LISTING_DECODER: Final[msgspec.json.Decoder[ListingAnswer]] = msgspec.json.Decoder(ListingPage | list[dict[str, Any]])


def listings(answer: ListingAnswer, prices: ListingPrices | None, *, source: str, date: str) -> Sequence[ModelListing]:
    """Return one listing for each entry that has an id; members of unknown shape are left out."""
    entries = answer.data if isinstance(answer, ListingPage) else answer
    found = []
    for entry in entries:
        model = entry.get("id")
        if isinstance(model, str) and model:
            found.append(_listing(model, entry, prices, source, date))
    return found


def _listing(model: str, entry: dict[str, Any], prices: ListingPrices | None, source: str, date: str) -> ModelListing:
    name = entry.get("name") or entry.get("display_name")
    return ModelListing(
        id=model,
        name=name if isinstance(name, str) else None,
        context_length=_first_count(entry, _CONTEXT),
        max_output_tokens=_first_count(entry, _OUTPUT),
        created=_first_count(entry, ("created",)),
        price=None if prices is None else _price(entry, prices, source, date),
        features=_features(entry),
    )


def _first_count(entry: dict[str, Any], names: tuple[str, ...]) -> int | None:
    for name in names:
        value = entry.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _features(entry: dict[str, Any]) -> frozenset[Feature] | None:
    parameters = entry.get("supported_parameters")
    modalities = _at(entry, "architecture.input_modalities")
    if not isinstance(parameters, list) and not isinstance(modalities, list):
        return None
    known: set[Feature] = set()
    if isinstance(parameters, list):
        known.update(_FEATURES[name] for name in parameters if isinstance(name, str) and name in _FEATURES)
    if isinstance(modalities, list) and "image" in modalities:
        known.add("vision")
    return frozenset(known)


def _price(entry: dict[str, Any], paths: ListingPrices, source: str, date: str) -> Price | None:
    names = (paths.input, paths.output, paths.cache_read, paths.cache_write)
    rates = [None if name is None else _rate(_at(entry, name), paths.per) for name in names]
    if rates[0] is None or rates[1] is None:
        return None
    request = None if paths.request is None else _rate(_at(entry, paths.request), "call")
    return Price(
        input=rates[0],
        output=rates[1],
        cache_read=rates[2] or None,
        cache_write_5m=rates[3] or None,
        request=request or 0,
        source=source,
        date=date,
    )


def _rate(value: object, per: str) -> int | None:
    """Return nano-dollars per million tokens, or for each call; None for what is no exact price of zero or more."""
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value))
        rate = nano_from_usd(amount * TOKENS_PER_PRICE_UNIT if per == "token" else amount)
    except (InvalidOperation, ValueError):
        return None
    return rate if rate >= 0 else None


def _at(entry: dict[str, Any], path: str) -> object:
    value: object = entry
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value
