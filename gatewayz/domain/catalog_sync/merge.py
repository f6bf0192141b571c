"""The shipped catalog with what providers list laid over it; pure functions."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from gatewayz.domain.catalog.known import Known, KnownModel, KnownOffer
from gatewayz.domain.catalog_sync.judge import release_day
from gatewayz.sdk.offers import Price
from gatewayz.store.catalog_records import ListedModel

__all__ = ["laid_over"]


def laid_over(shipped: Known, listed: Iterable[ListedModel], providers: Collection[str]) -> Known:
    """Return what is known when the lists of these providers count.

    A model that its provider no longer lists is withdrawn there, also when it is shipped; models of
    the shipped catalog that its list never named stay.
    """
    models = dict(shipped.models)
    offers = {provider: {offer.model: offer for offer in found} for provider, found in shipped.offers.items()}
    gone: set[tuple[str, str]] = set()
    for row in listed:
        if row.provider not in providers:
            continue
        at_provider = offers.setdefault(row.provider, {})
        known = at_provider.get(row.model)
        if not row.is_active:
            if known is None or known.id == row.native:
                gone.add((row.provider, row.model))
        elif (offer := _offer(row, known)) is not None:
            at_provider[row.model] = offer
            gone.discard((row.provider, row.model))
            if row.model not in models:
                models[row.model] = _model(row)
    return Known(
        models=models,
        offers={provider: tuple(found.values()) for provider, found in offers.items()},
        withdrawn=frozenset(gone),
    )


def _offer(row: ListedModel, known: KnownOffer | None) -> KnownOffer | None:
    """Return the offer of a listed model; None when nobody knows its price."""
    facts = row.facts
    price = facts.price if row.state == "priced" else None
    if known is not None and known.id != row.native:
        return None  # another id of the same model; the first one stays
    if known is None:
        if price is None:
            return None
        return KnownOffer(
            model=row.model,
            id=row.native,
            price=price,
            context_length=facts.context_length,
            max_output_tokens=facts.max_output_tokens,
            features=facts.features,
        )
    return msgspec.structs.replace(
        known,
        price=known.price if price is None or _agrees(price, known.price) else price,
        context_length=facts.context_length or known.context_length,
        max_output_tokens=facts.max_output_tokens or known.max_output_tokens,
    )


def _agrees(stated: Price, known: Price) -> bool:
    """Tell whether two prices are the same where both say something: the shipped one then knows more rates."""
    if (stated.input, stated.output, stated.request) != (known.input, known.output, known.request):
        return False
    return stated.cache_read in (None, known.cache_read) and stated.cache_write_5m in (None, known.cache_write_5m)


def _model(row: ListedModel) -> KnownModel:
    facts = row.facts
    features = facts.features or ()
    return KnownModel(
        name=facts.name,
        context_length=facts.context_length,
        max_output_tokens=facts.max_output_tokens,
        features=features,
        modality="text+image->text" if "vision" in features else "text->text",
        created=release_day(facts.created),
    )


def own_ids(known: Mapping[str, tuple[KnownOffer, ...]], provider: str) -> dict[str, str]:
    """Return a provider's own ids, in lower case, to the canonical ids of its offers."""
    return {offer.id.lower(): offer.model for offer in known.get(provider, ())}
