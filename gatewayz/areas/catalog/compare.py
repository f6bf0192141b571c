"""One model at several gateways: prices side by side, the one to take, what that saves.

Source: spec 02 §2 (4.1.8, 4.1.10).
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.areas.catalog.rows import Entry, entries_of, per_token
from gatewayz.areas.catalog.schema import Comparison
from gatewayz.areas.catalog.service import ModelLists
from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.catalog.gateways import ALL
from gatewayz.sdk.errors import RequestError
from gatewayz.sdk.money import usd_float

__all__ = ["BatchBody", "Criteria", "compare", "compare_batch"]

Criteria = Literal["price", "context", "availability"]
_HEALTH: Final = {"healthy": 0, "unknown": 1, "degraded": 2, "down": 3}
"""An offer that nobody has called yet comes before one that is known to fail."""


class BatchBody(msgspec.Struct, frozen=True, kw_only=True):
    """Models to compare, and by what."""

    model_ids: Annotated[tuple[str, ...], Meta(min_length=1, max_length=100)]
    criteria: Criteria = "price"


def compare(lists: ModelLists, name: str, gateways: str = ALL) -> dict[str, Any]:
    """Return `GET /v1/models/{provider}/{model}/compare`.

    :param gateways: names with commas between, or `all`: those that serve it, then all others.
    Raises ModelNotFound; InvalidRequest for a gateway that is none.
    """
    model = lists.catalog.resolve(name)
    entries = {entry.offer.provider: entry for entry in entries_of(model)}
    asked = _asked(lists, gateways) or (*entries, *(each for each in lists.gateways.known() if each not in entries))
    compared = [_comparison(lists, model, gateway, entries.get(gateway)) for gateway in asked]
    available = [entries[gateway] for gateway in asked if gateway in entries]
    return {
        "success": True,
        "model_id": model.id,
        "provider": model.owned_by,
        "model": model.id.partition("/")[2],
        "comparisons": compared,
        "recommendation": _recommendation(lists, available),
        "savings": _savings(available),
        "available_count": len(available),
        "total_gateways_checked": len(asked),
    }


def compare_batch(lists: ModelLists, wanted: BatchBody) -> dict[str, Any]:
    """Return `POST /v1/models/batch-compare`; what is wrong with one model is said in its place."""
    return {
        "success": True,
        "criteria": wanted.criteria,
        "models_compared": len(wanted.model_ids),
        "results": [_ranked(lists, model_id, wanted.criteria) for model_id in wanted.model_ids],
    }


def _asked(lists: ModelLists, gateways: str) -> tuple[str, ...]:
    """Return the instances of a list of names; none when it says all of them."""
    chosen = [lists.gateways.chosen(word.strip()) for word in gateways.split(",") if word.strip()]
    return () if None in chosen else tuple(dict.fromkeys(each for each in chosen if each is not None))


def _comparison(lists: ModelLists, model: Model, gateway: str, entry: Entry | None) -> Comparison:
    if entry is None:
        return Comparison(
            gateway=gateway,
            available=False,
            model_id=model.id,
            name=model.name,
            architecture={"modality": model.modality},
            provider_site_url=lists.gateways.site(gateway),
            source_gateway=gateway,
        )
    shown = lists.rows.object(entry)
    return Comparison(
        gateway=gateway,
        available=True,
        model_id=shown.id,
        name=shown.name,
        pricing={
            "prompt": shown.pricing.prompt,
            "completion": shown.pricing.completion,
            "request": shown.pricing.request,
            "image": shown.pricing.image,
        },
        context_length=shown.context_length,
        architecture={"modality": shown.modality},
        provider_site_url=shown.provider_site_url,
        source_gateway=gateway,
        health_status=shown.health_status,
        average_response_time_ms=shown.average_response_time_ms,
    )


def _blended(entry: Entry) -> int:
    """Return nano-dollars of a million tokens, half of them written by the model."""
    return (entry.price.input + entry.price.output) // 2


def _recommendation(lists: ModelLists, available: Sequence[Entry]) -> dict[str, Any] | None:
    """Return the cheapest gateway that is not down."""
    if not available:
        return None
    best = min(available, key=lambda entry: (lists.rows.object(entry).health_status == "down", _blended(entry)))
    shown = lists.rows.object(best)
    dearer = sum(_blended(each) > _blended(best) for each in available)
    reason = "the only gateway that serves it" if len(available) == 1 else "the lowest price among those that answer"
    if len(available) > 1 and not dearer:
        reason = "the first in the order to try; none is cheaper"
    return {"gateway": best.offer.provider, "reason": reason, "pricing": shown.pricing}


def _savings(available: Sequence[Entry]) -> dict[str, Any] | None:
    """Return what the cheapest saves against the dearest, in US dollars; null where there is nothing to compare."""
    if len(available) < 2:
        return None
    cheapest, dearest = min(available, key=_blended), max(available, key=_blended)
    low, high = _blended(cheapest), _blended(dearest)
    return {
        "potential_savings_per_1m_tokens": usd_float(high - low),
        "savings_percentage": round((high - low) * 100 / high, 2) if high else 0.0,
        "cheapest_gateway": cheapest.offer.provider,
        "cheapest_price_per_token": per_token(low),
        "most_expensive_gateway": dearest.offer.provider,
        "most_expensive_price_per_token": per_token(high),
    }


def _ranked(lists: ModelLists, model_id: str, criteria: Criteria) -> dict[str, Any]:
    """Return a model's gateways, the best by the criterion first."""
    if "/" not in model_id:
        return {"model_id": model_id, "error": "A model's id is 'vendor/name'."}
    try:
        model = lists.catalog.resolve(model_id)
    except RequestError as err:
        return {"model_id": model_id, "error": err.message}
    entries = sorted(entries_of(model), key=_keys(lists)[criteria])
    compared = [_comparison(lists, model, entry.offer.provider, entry) for entry in entries]
    return {"model_id": model.id, "comparison": compared, "gateways_available": len(compared)}


def _keys(lists: ModelLists) -> dict[Criteria, Callable[[Entry], Any]]:
    def availability(entry: Entry) -> tuple[int, float]:
        shown = lists.rows.object(entry)
        milliseconds = shown.average_response_time_ms
        return _HEALTH[shown.health_status], float("inf") if milliseconds is None else milliseconds

    return {
        "price": _blended,
        "context": lambda entry: -(entry.offer.context_length or 0),
        "availability": availability,
    }
