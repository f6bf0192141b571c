import pytest

from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.domain.routing.pools import Pools
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import Offer, Price
from gatewayz.sdk.wire import OPENAI_CHAT, OPENAI_EMBEDDINGS
from gatewayz_plugins.routers.failover.router import FailoverRouter, FailoverSettings
from tests.fakes.plugin_modules import context
from tests.fakes.pool_router import FakePoolRouter

PRICE = Price(input=1, output=1)


def pools(**capabilities: Capabilities) -> Pools:
    plain = FailoverRouter(FailoverSettings(), context("routers", "default"))
    return Pools({"general": FakePoolRouter("a/b"), "default": plain}, capabilities)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("router:general", "router:general:balanced"),
        ("router:general:cost", "router:general:cost"),
        ("Router:General:COST", "router:general:cost"),
        ("gatewayz-general", "router:general:balanced"),
        ("gatewayz-general-cost", "router:general:cost"),
        ("router", "router:general:balanced"),
        ("router:small", "router:general:cost"),
    ],
)
def test_every_name_of_a_router_is_found(name: str, meant: str) -> None:
    found = pools().find(name)
    assert found is not None
    assert found.name == meant


@pytest.mark.parametrize("name", ["openai/gpt-4o", "gpt-4o", "gatewayz-other", "routerbench/model", "groq/router"])
def test_names_of_models_are_left_to_the_catalog(name: str) -> None:
    assert pools().find(name) is None


@pytest.mark.parametrize("name", ["router:general:best", "gatewayz-general-best"])
def test_an_unknown_mode_is_refused_with_the_modes(name: str) -> None:
    with pytest.raises(InvalidRequest, match="balanced, cost") as caught:
        pools().find(name)
    assert caught.value.param == "model"
    assert caught.value.context["allowed_values"] == ["balanced", "cost"]


def test_an_unknown_router_is_refused_with_the_routers() -> None:
    with pytest.raises(InvalidRequest, match="no such router") as caught:
        pools().find("router:default")
    assert "router:general" in caught.value.context["allowed_values"]


def test_offers_are_those_that_answer_conversations_and_one_tuple_for_each_catalog() -> None:
    def model(name: str, modality: str, provider: str) -> Model:
        offer = Offer(model=name, provider=provider, upstream_model="x", price=PRICE)
        return Model(id=name, name=name, offers=(offer,), modality=modality)

    catalog = Catalog(
        [
            model("a/chat", "text+image->text", "typed"),
            model("a/wire", "text->text", "wire"),
            model("a/embed", "text->embedding", "typed"),
            model("a/picture", "text->text", "pictures"),
        ]
    )
    found = pools(
        typed=Capabilities(),
        wire=Capabilities(chat=False, formats=frozenset({OPENAI_CHAT})),
        pictures=Capabilities(chat=False, formats=frozenset({OPENAI_EMBEDDINGS})),
    )
    offers = found.offers(catalog)
    assert [offer.model for offer in offers] == ["a/chat", "a/wire"]
    assert found.offers(catalog) is offers
    assert found.offers(Catalog([])) == ()
