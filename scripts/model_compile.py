"""Brings price lists together into one catalog: canonical ids, offers, and what was left out and why."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, Final, Literal

import msgspec
from model_gate import median_rate, outliers
from model_prices import Fact, GenaiPrices, ListPrices, Litellm, ModelsDev, Prices

from gatewayz.domain.catalog.gate import is_absurd
from gatewayz.domain.catalog.identity import Identifier
from gatewayz.domain.catalog.known import KnownModel, KnownOffer
from gatewayz.sdk.offers import Price, PriceTier

__all__ = ["Compiled", "Compiler", "Sources"]

NANO: Final = 10**9
Reason = Literal["unpriced", "price_outlier", "unknown_maker"]
_BEDROCK: Final = re.compile(r"^(?:(global|us)\.)?([a-z0-9]+)\.([a-z].*?)(?:-v\d+)?(?::\d+)?(?:@.*)?$")
_ELSEWHERE: Final = re.compile(r"^(?:eu|jp|au|apac|ca|us-gov|sa|me|af|uk|kr|in|mx|il)\.")
_DATED: Final = re.compile(r"-(?:20\d{6}|20\d\d-\d\d-\d\d)$")


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """The price lists."""

    newest: Litellm
    models_dev: ModelsDev
    listed: ListPrices
    genai: GenaiPrices
    oldest: Litellm


class Compiled(msgspec.Struct, kw_only=True):
    """The snapshot's file."""

    date: str
    models: dict[str, KnownModel]
    offers: dict[str, list[dict[str, Any]]]
    left_out: dict[str, list[dict[str, str]]]
    makers: dict[str, str]
    families: dict[str, str]

    def summary(self) -> Iterator[str]:
        """Yield what people want to know."""
        offers = sum(map(len, self.offers.values()))
        yield f"{len(self.models)} models, {offers} offers at {len(self.offers)} providers"
        for provider in sorted(self.offers.keys() | self.left_out.keys()):
            reasons = Counter(each["reason"] for each in self.left_out.get(provider, ()))
            told = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
            yield f"  {provider}: {len(self.offers.get(provider, ()))}" + (f" (left out: {told})" if told else "")
        for provider, entries in sorted(self.left_out.items()):
            for each in entries:
                if each["reason"] == "price_outlier":
                    yield f"  {provider} {each['id']}: {each['detail']}"


class Compiler:
    """Puts one catalog together.

    :param table: price_sources.yaml.
    :param by_hand: models_by_hand.yaml.
    :param aliases: config/aliases.yaml: names that mean a model of another id.
    """

    def __init__(
        self, table: Mapping[str, Any], by_hand: Mapping[str, Any], sources: Sources, aliases: Mapping[str, str]
    ) -> None:
        self._table, self._by_hand, self._sources = table, by_hand, sources
        self._places: dict[str, dict[str, Any]] = table["providers"]
        self._own = {place["maker"]: name for name, place in self._places.items() if "maker" in place}
        self._own |= {"google": "google-vertex"}
        self._aliases = {name.lower(): target for name, target in aliases.items()}
        self._left_out: dict[str, list[dict[str, str]]] = {}
        self._contexts = _contexts(sources)

    def compile(self, date: str) -> Compiled:
        """Return the catalog."""
        natives = self._natives()
        models: dict[str, KnownModel] = {}
        offers: dict[str, list[dict[str, Any]]] = {}
        for model_id, by_provider in sorted(natives.items()):
            if model_id in self._by_hand["never"]:
                continue
            found, facts = self._offers(model_id, by_provider)
            if not found:
                continue
            median = median_rate([offer.price for offer in found.values()])
            models[model_id] = msgspec.structs.replace(self._model(model_id, facts), median=median)
            self._take_context(model_id, models)
            for provider, offer in found.items():
                offers.setdefault(provider, []).append(_lean(offer, models[model_id]))
        return Compiled(
            date=date,
            models=models,
            offers=dict(sorted(offers.items())),
            left_out=dict(sorted(self._left_out.items())),
            makers=self._table["makers"],
            families=self._table["families"],
        )

    def _natives(self) -> dict[str, dict[str, str]]:
        """Return canonical id to provider to the provider's own id."""
        natives: dict[str, dict[str, str]] = {}
        taken: dict[tuple[str, str], str] = {}
        for model_id, facts in self._by_hand["models"].items():
            mine = {name: native for name, native in facts.items() if name in self._places}
            natives[model_id] = dict(mine)
            taken |= {(name, native): model_id for name, native in mine.items()}
        roster = set(self._ids("openrouter"))
        identifier = Identifier(self._table["makers"], self._table["families"], [*natives, *roster])
        for provider in ("openrouter", *(name for name in self._places if name != "openrouter")):
            for native in self._ids(provider):
                model_id = self._identify(identifier, provider, native)
                model_id = self._aliases.get(model_id or "", model_id)
                if (provider, native) in taken and model_id not in roster:
                    continue
                if model_id is None:
                    self._leave_out(provider, native, "unknown_maker")
                    continue
                identifier.add(model_id)
                mine = natives.setdefault(model_id, {})
                if provider not in self._by_hand["models"].get(model_id, {}) and self._prefers(provider, native, mine):
                    mine[provider] = native
        return natives

    def _identify(self, identifier: Identifier, provider: str, native: str) -> str | None:
        if provider == "openrouter":
            return native
        maker = self._places[provider].get("maker")
        if provider == "bedrock" and (parts := _BEDROCK.match(native)):
            return identifier.canonical(f"{parts[2]}/{_DATED.sub('', parts[3])}")
        if provider == "huggingface":
            native = native.partition(":")[0]
        if maker == "anthropic":
            native = _DATED.sub("", native)
        return identifier.canonical(native, maker=maker)

    def _prefers(self, provider: str, native: str, mine: Mapping[str, str]) -> bool:
        """Tell whether an own id is the better one of two that mean the same model."""
        known = mine.get(provider)
        if known is None:
            return True
        if provider == "bedrock":  # profiles that work from every region first
            return _reach(native) < _reach(known)
        if provider == "huggingface":
            return self._cost(provider, native) < self._cost(provider, known)
        return (len(native), native) < (len(known), known)

    def _cost(self, provider: str, native: str) -> Decimal:
        price = next((fact.price for fact in self._facts(provider, native) if fact.price), None)
        return Decimal(price["input"]) + Decimal(price["output"]) if price else Decimal("Infinity")

    def _ids(self, provider: str) -> list[str]:
        """Return the own ids of a provider that are models to call."""
        place, sources, unwanted = self._places[provider], self._sources, self._by_hand["leave_out"]
        lists: list[Iterable[str]] = [sources.newest.ids(provider), sources.models_dev.ids(provider)]
        if place.get("genai_ids"):
            lists.append(sources.genai.ids(provider))
        found = {native for names in lists for native in names}
        if place.get("serverless"):
            served = {*sources.models_dev.ids(provider), *sources.genai.ids(provider)}
            found = {native for native in found if native in served or native.rpartition("/")[2] in served}
        only = re.compile(place.get("only", ""))
        return sorted(
            native
            for native in found
            if only.search(native)
            and not any(part in native.lower() for part in unwanted)
            and (provider == "bedrock" or not (_DATED.search(native) and place.get("maker") == "openai"))
            and not re.match(r"(?:bedrock|eu|us|apac|au|jp|ca|us-gov|global|\d+-x-\d+|ft:)/|ft:", native)
            and not (provider == "bedrock" and not _is_profile(native))
        )

    def _facts(self, provider: str, native: str) -> list[Fact]:
        sources = self._sources
        order = (sources.newest, sources.listed, sources.genai, sources.models_dev, sources.oldest)
        return [fact for source in order if (fact := source.find(provider, native))]

    def _believed(self, provider: str, native: str, prices: list[Prices]) -> Prices | None:
        """Return the newest price; two other sources of today that agree against it are believed instead."""
        if native in self._by_hand["believe_genai"].get(provider, ()):
            return next(price for price in prices if price["source"].startswith("genai-prices"))
        if len(prices) >= 3 and prices[0]["source"].startswith("litellm"):
            first, second, third = ((Decimal(p["input"]), Decimal(p["output"])) for p in prices[:3])
            if _alike(second, third) and not _alike(first, second):
                return prices[1]
        return prices[0] if prices else None

    def _offers(self, model_id: str, natives: Mapping[str, str]) -> tuple[dict[str, KnownOffer], list[Fact]]:
        """Return the offers that pass the gate, and every fact of them, the maker's own first."""
        own = self._own.get(model_id.partition("/")[0])
        order = sorted(natives, key=lambda name: (name != own, name != "openrouter", name))
        offers: dict[str, KnownOffer] = {}
        facts: list[Fact] = []
        for provider in order:
            known = self._facts(provider, natives[provider])
            stated = self._believed(provider, natives[provider], [fact.price for fact in known if fact.price])
            price = _price(stated, known) if stated else None
            if price is None or is_absurd(price, is_embedding=_embeds(model_id)):
                self._leave_out(provider, natives[provider], "unpriced")
                continue
            first = next((fact for fact in known if fact.described), known[0])
            offers[provider] = KnownOffer(
                model=model_id,
                id=natives[provider],
                price=price,
                context_length=next((fact.context_length for fact in known if fact.context_length), None),
                max_output_tokens=first.max_output_tokens,
                features=first.features if first.described else None,
            )
            facts.extend(fact for fact in known if fact.described or fact.context_length or fact.name)
        for provider, times in list(outliers({name: offer.price for name, offer in offers.items()}, own)):
            self._leave_out(provider, offers.pop(provider).id, "price_outlier", f"{times:.3g} times the median")
        return offers, facts

    def _model(self, model_id: str, facts: list[Fact]) -> KnownModel:
        by_hand = self._by_hand["models"].get(model_id, {})
        described = next((fact for fact in facts if fact.described), None)
        ordered = [described, *facts] if described else facts
        features = set(described.features if described else ()) | set(by_hand.get("features_add", ()))
        modality = next((fact.modality for fact in ordered if fact.modality), None) or "text->text"
        if _embeds(model_id):
            modality = "text->embedding"
        return KnownModel(
            name=next((fact.name for fact in facts if fact.name), None),
            context_length=next((fact.context_length for fact in ordered if fact.context_length), None),
            max_output_tokens=next((fact.max_output_tokens for fact in ordered if fact.max_output_tokens), None),
            features=tuple(sorted(features)),
            modality=modality,
            created=by_hand.get("created"),
            default_output_tokens=by_hand.get("default_output_tokens"),
        )

    def _take_context(self, model_id: str, models: dict[str, KnownModel]) -> None:
        """Take the length of context that others state, where no source has one for an offer of the catalog.

        Models that neither read nor write conversations have none.
        """
        model = models[model_id]
        if model.context_length is None and model.modality.endswith("->text") and model.modality.startswith("text"):
            length = self._contexts.get(_bare(model_id))
            models[model_id] = msgspec.structs.replace(model, context_length=length)

    def _leave_out(self, provider: str, native: str, reason: Reason, detail: str = "") -> None:
        entry = {"id": native, "reason": reason} | ({"detail": detail} if detail else {})
        self._left_out.setdefault(provider, []).append(entry)


def _contexts(sources: Sources) -> dict[str, int]:
    """Return bare name to the length of context that most of its providers state, the shorter one on a tie."""
    stated: dict[str, dict[str, int]] = {}
    for source in (sources.oldest, sources.newest, sources.models_dev, sources.genai):
        for name, length in source.contexts():
            if ":" not in name:  # variants that are sold apart
                stated.setdefault(_bare(name), {})[name.lower()] = length
    return {name: _most_stated(Counter(by_place.values())) for name, by_place in stated.items()}


def _most_stated(lengths: Mapping[int, int]) -> int:
    return min(lengths, key=lambda length: (-lengths[length], length))


def _bare(name: str) -> str:
    """Return a model's name without maker, provider and punctuation, as the same model is spelt everywhere."""
    return re.sub(r"[^a-z0-9:]", "", name.lower().rpartition("/")[2])


def _alike(one: tuple[Decimal, Decimal], other: tuple[Decimal, Decimal]) -> bool:
    return all(abs(a - b) <= Decimal("0.01") * max(a, b) for a, b in zip(one, other, strict=True))


def _embeds(model_id: str) -> bool:
    return "embed" in model_id or "/bge-" in model_id


def _is_profile(native: str) -> bool:
    return _BEDROCK.match(native) is not None and "/" not in native and not _ELSEWHERE.match(native)


def _reach(native: str) -> tuple[int, int, str]:
    ranks = {"global": 0, "us": 1}
    return ranks.get(native.partition(".")[0], 2), len(native), native


def _lean(offer: KnownOffer, model: KnownModel) -> dict[str, Any]:
    """Return an offer without what the model says already, and without rates that are not there."""
    lean: dict[str, Any] = msgspec.to_builtins(offer)
    for name in ("context_length", "max_output_tokens", "features"):
        if name in lean and getattr(offer, name) == getattr(model, name):
            del lean[name]
    lean["price"] = {name: rate for name, rate in lean["price"].items() if rate not in (None, [])}
    if not lean["price"].get("request"):
        lean["price"].pop("request", None)
    return lean


def _price(text: Mapping[str, Any], facts: list[Fact]) -> Price:
    """Return a price; what a call costs by itself is often known to another source only."""
    per_call = next((fact.price["request"] for fact in facts if fact.price and "request" in fact.price), None)
    text = text if per_call is None else {"request": per_call, **text}
    rates = {name: _nano(value) for name, value in text.items() if name not in ("tiers", "source", "date")}
    tiers = tuple(
        PriceTier(**{name: value if name == "above_tokens" else _nano(value) for name, value in tier.items()})
        for tier in text.get("tiers", ())
    )
    return Price(**rates, tiers=tiers, source=text["source"], date=text["date"])


def _nano(rate: str) -> int:
    return int(Decimal(rate) * NANO)
