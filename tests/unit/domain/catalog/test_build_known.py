"""Settings laid over what is known of models."""

from typing import Any

import msgspec
import pytest

from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.build import Skipped, build_catalog
from gatewayz.domain.catalog.known import Known, KnownModel, KnownOffer
from gatewayz.sdk.errors import ModelNotFound
from gatewayz.sdk.offers import Price
from tests.fakes.catalog import configured, many_models

DOLLAR = 10**9


def offer(model: str, native: str, rate: int, **more: Any) -> KnownOffer:
    return KnownOffer(
        model=model, id=native, price=Price(input=rate, output=rate, source="list", date="2026-01-01"), **more
    )


KNOWN = Known(
    models={
        "v/m": KnownModel(name="M", context_length=1000, features=("tools",), created="2026-01-02"),
        "v/other": KnownModel(),
        "v/nowhere": KnownModel(),
    },
    offers={
        "p": (offer("v/m", "p-m", 2 * DOLLAR, context_length=500), offer("v/other", "p-other", 1)),
        "q": (offer("v/m", "q-m", 1 * DOLLAR, features=("tools", "vision")),),
        "off": (offer("v/m", "off-m", 1),),
    },
)


def settings(**models: Any) -> Settings:
    entries = {name.replace("__", "/"): entry for name, entry in models.items()}
    return msgspec.convert({"models": entries, "failover": {"others": ["p", "q"]}}, Settings)


def test_known_offers_are_built_for_configured_providers_only_cheapest_first() -> None:
    catalog = build_catalog(settings(), configured("p", "q"), known=KNOWN)
    model = catalog.resolve("v/m")
    assert [(each.provider, each.upstream_model) for each in model.offers] == [("q", "q-m"), ("p", "p-m")]
    assert (model.name, model.context_length, model.created) == ("M", 1000, 1_767_312_000)
    assert [each.context_length for each in model.offers] == [1000, 500]
    assert [sorted(each.features) for each in model.offers] == [["tools", "vision"], ["tools"]]
    with pytest.raises(ModelNotFound, match="no configured provider serves it"):
        catalog.resolve("v/nowhere")


def test_what_settings_say_wins_and_the_rest_stays_known() -> None:
    said = {"context_length": 64, "offers": {"p": {"price": {"input": "9", "output": "9"}}}}
    model = build_catalog(settings(v__m=said), configured("p", "q"), known=KNOWN).resolve("v/m")
    by_provider = {each.provider: each for each in model.offers}
    price, other = by_provider["p"].price, by_provider["q"].price
    assert price is not None and (price.input, price.source) == (9 * DOLLAR, "operator")
    assert by_provider["p"].upstream_model == "p-m" and model.name == "M"
    assert other is not None and other.source == "list"
    assert {each.context_length for each in model.offers} == {64}


def test_a_price_of_the_model_counts_for_every_offer() -> None:
    model = build_catalog(
        settings(v__m={"price": {"input": 3, "output": 4}}), configured("p", "q"), known=KNOWN
    ).resolve("v/m")
    assert [each.price and each.price.output for each in model.offers] == [4 * DOLLAR, 4 * DOLLAR]


def test_offers_and_models_can_be_taken_away() -> None:
    said = settings(v__m={"offers": {"p": {"enabled": False}}}, v__other={"enabled": False})
    skipped: list[Skipped] = []
    catalog = build_catalog(said, configured("p", "q"), known=KNOWN, skipped=skipped)
    assert [each.provider for each in catalog.resolve("v/m").offers] == ["q"]
    assert catalog.find("v/other") is None and skipped == []


def test_withdrawn_offers_are_gone_unless_the_settings_name_them() -> None:
    known = msgspec.structs.replace(KNOWN, withdrawn=frozenset({("p", "v/m"), ("q", "v/m")}))
    assert build_catalog(settings(), configured("p", "q"), known=known).find("v/m") is None
    named = settings(v__m={"offers": {"p": {"id": "mine", "price": {"input": 1, "output": 1}}}})
    offers = build_catalog(named, configured("p", "q"), known=known).resolve("v/m").offers
    assert [each.upstream_model for each in offers] == ["mine"]


def test_five_thousand_models_are_one_look_up_away() -> None:
    known = many_models(5_000, ("p", "q"))
    catalog = build_catalog(settings(), configured("p", "q"), known=known)
    assert len(catalog.models()) == 5_000
    assert catalog.resolve("maker-7/model-4957").offers[0].provider == "p"
