from typing import Any

import msgspec
import pytest

from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.build import Skipped, build_catalog
from gatewayz.sdk.errors import ConfigurationError, PricingMissing
from gatewayz.sdk.interfaces import Capabilities
from tests.fakes.catalog import PRICE, configured


def settings(**models: dict[str, Any]) -> Settings:
    return msgspec.convert({"models": {name.replace("__", "/"): entry for name, entry in models.items()}}, Settings)


def test_an_entry_becomes_a_model_with_one_offer_per_credential() -> None:
    entry = {
        "name": "M",
        "context_length": 1000,
        "max_output_tokens": 100,
        "features": ["tools", "vision"],
        "created": "2024-05-13",
        "offers": {"p": {"id": "native", "price": PRICE, "context_length": 500, "features": ["tools"]}},
    }
    catalog = build_catalog(settings(v__m=entry), {"p": Capabilities(credentials=("first", "second"))})
    (model,) = catalog.models()
    assert (model.name, model.owned_by, model.created) == ("M", "v", 1_715_558_400)
    assert model.default_output_tokens == 100
    assert [offer.credential for offer in model.offers] == ["first", "second"]
    assert model.offers[0].circuit == ("p", "v/m", "first")
    assert (model.offers[0].upstream_model, model.offers[0].context_length) == ("native", 500)
    assert (model.offers[0].max_output_tokens, model.offers[0].features) == (100, frozenset({"tools"}))
    assert model.features == {"tools", "vision"}


def test_an_offer_inherits_the_models_price_and_id() -> None:
    catalog = build_catalog(settings(v__m={"price": PRICE, "offers": {"p": {}}}), configured("p"))
    (offer,) = catalog.resolve("v/m").offers
    assert offer.upstream_model == "v/m"
    assert offer.price is not None
    assert offer.price.source == "operator"
    assert catalog.resolve("v/m").default_output_tokens == 4096


def test_what_cannot_be_called_is_left_out_and_reported() -> None:
    skipped: list[Skipped] = []
    catalog = build_catalog(
        settings(
            v__far={"offers": {"elsewhere": {"price": PRICE}}},
            v__unpriced={"offers": {"p": {}}},
            v__half={"offers": {"p": {}, "q": {"price": PRICE}}},
        ),
        configured("p", "q"),
        skipped=skipped,
    )
    assert [model.id for model in catalog.models()] == ["v/half"]
    assert [offer.provider for offer in catalog.resolve("half").offers] == ["q"]
    assert {(each.model, each.provider, each.reason) for each in skipped} == {
        ("v/far", None, "unserved"),
        ("v/unpriced", "p", "unpriced"),
        ("v/unpriced", None, "unpriced"),
        ("v/half", "p", "unpriced"),
    }
    assert all(each.model in each.message for each in skipped)
    with pytest.raises(PricingMissing):
        catalog.resolve("unpriced")


def test_a_free_price_is_a_price() -> None:
    free = {"offers": {"p": {"price": {"input": 0, "output": 0, "source": "s", "date": "2026-11-24"}}}}
    price = build_catalog(settings(v__m=free), configured("p")).resolve("m").price
    assert price is not None
    assert price.is_free


@pytest.mark.parametrize(
    ("model_id", "entry", "message"),
    [
        ("bare", {"offers": {"p": {"price": PRICE}}}, r"models\.bare: a model's id is 'vendor/name'"),
        ("v/", {"offers": {"p": {"price": PRICE}}}, "vendor/name"),
        ("v/a b", {"offers": {"p": {"price": PRICE}}}, "vendor/name"),
        ("v/m", {"offers": {"p": {"price": {"input": "x", "output": 1}}}}, r"models\.v/m\.offers\.p\.price\.input"),
        ("v/m", {"price": {"input": 1, "output": -1}, "offers": {"p": {}}}, r"models\.v/m\.price\.output"),
        ("v/m", {"created": "May", "offers": {"p": {"price": PRICE}}}, r"models\.v/m\.created"),
        ("v/m", {"features": ["magic"], "offers": {"p": {"price": PRICE}}}, r"\.features: unknown: magic"),
    ],
)
def test_an_entry_that_means_nothing_is_refused_with_its_path(
    model_id: str, entry: dict[str, Any], message: str
) -> None:
    made = msgspec.convert({"models": {model_id: entry}}, Settings)
    with pytest.raises(ConfigurationError, match=message):
        build_catalog(made, configured("p"))
