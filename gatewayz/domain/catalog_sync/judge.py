"""What to make of a provider's own list: which model each line means, and whether its price can be believed."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from gatewayz.domain.catalog.gate import blended, is_absurd, is_far_off
from gatewayz.domain.catalog.identity import Identifier
from gatewayz.domain.catalog.known import KnownModel
from gatewayz.sdk.offers import ModelListing, Price
from gatewayz.store.catalog_records import Listed, ListedModel, ProviderList, State

__all__ = ["Judge", "summary"]

_LONGEST: Final = 300
_LARGEST_INT: Final = 2**53


class Judge:
    """Judges the lists of one provider.

    :param own: the provider's own ids, in lower case, to the canonical ids of offers there are already.
    :param priced: canonical ids of models whose price at the provider is known without its list.
    :param models: what is known of models, for the price they usually have.
    :param maker: who made models that name no maker.
    """

    def __init__(
        self,
        provider: str,
        identifier: Identifier,
        *,
        own: Mapping[str, str],
        priced: frozenset[str],
        models: Mapping[str, KnownModel],
        aliases: Mapping[str, str],
        maker: str,
    ) -> None:
        self._provider = provider
        self._identifier = identifier
        self._own = own
        self._priced = priced
        self._models = models
        self._aliases = aliases
        self._maker = maker

    def judge(self, listings: Iterable[ModelListing]) -> list[ListedModel]:
        """Return each line that names a model, once."""
        found: dict[str, ListedModel] = {}
        for listing in listings:
            native = listing.id.strip()
            if 0 < len(native) <= _LONGEST and native.isprintable() and native not in found:
                model = self._model(native)
                if model is not None:
                    found[native] = self._listed(native, model, listing)
        return list(found.values())

    def _model(self, native: str) -> str | None:
        known = self._own.get(native.lower())
        if known is not None:
            return known
        found = self._identifier.canonical(native, maker=self._maker)
        return None if found is None else self._aliases.get(found, found)

    def _listed(self, native: str, model: str, listing: ModelListing) -> ListedModel:
        state, price = self._price(native, model, listing.price)
        facts = Listed(
            name=listing.name[:_LONGEST] if listing.name else None,
            context_length=_count(listing.context_length),
            max_output_tokens=_count(listing.max_output_tokens),
            created=_count(listing.created),
            features=None if listing.features is None else tuple(sorted(listing.features)),
            price=price,
        )
        return ListedModel(provider=self._provider, native=native, model=model, state=state, facts=facts)

    def _price(self, native: str, model: str, stated: Price | None) -> tuple[State, Price | None]:
        """Return what a stated price is worth; zero is one for `:free` variants only."""
        rest: State = "confirmed" if model in self._priced else "unpriced"
        if stated is None or (stated.is_free and not native.endswith(":free")):
            return rest, None
        known = self._models.get(model)
        embeds = known is not None and known.modality.endswith("->embedding")
        usual = known.median if known is not None and not stated.is_free else None
        if is_absurd(stated, is_embedding=embeds) or (usual and is_far_off(blended(stated), usual)):
            return ("confirmed" if rest == "confirmed" else "refused"), None
        return "priced", stated


def summary(provider: str, models: Sequence[ListedModel], at: datetime, duration_s: float) -> ProviderList:
    """Return how it stands with a list that was read well."""
    states = Counter(model.state for model in models)
    return ProviderList(
        provider=provider,
        last_run_at=at,
        last_success_at=at,
        duration_s=round(duration_s, 3),
        listed=len(models),
        priced=states["priced"],
        confirmed=states["confirmed"],
        unpriced=states["unpriced"],
        refused=states["refused"],
    )


def _count(value: int | None) -> int | None:
    return value if value is not None and 0 < value < _LARGEST_INT else None


def release_day(created: int | None) -> str | None:
    """Return the ISO date of a Unix time."""
    if created is None:
        return None
    try:
        return datetime.fromtimestamp(created, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return None
