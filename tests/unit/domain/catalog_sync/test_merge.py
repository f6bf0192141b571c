"""Lists laid over the shipped catalog."""

from typing import Any

from gatewayz.domain.catalog.known import Known, KnownModel, KnownOffer
from gatewayz.domain.catalog_sync.merge import laid_over
from gatewayz.sdk.offers import Price
from gatewayz.store.catalog_records import Listed, ListedModel

SHIPPED = Known(
    models={"v/m": KnownModel(name="M")},
    offers={"p": (KnownOffer(model="v/m", id="p-m", price=Price(input=5, output=6, cache_read=1), context_length=10),)},
)


def row(native: str, model: str, state: Any = "priced", *, is_active: bool = True, **facts: Any) -> ListedModel:
    return ListedModel(
        provider="p", native=native, model=model, state=state, is_active=is_active, facts=Listed(**facts)
    )


def offers(*rows: ListedModel) -> dict[str, KnownOffer]:
    known = laid_over(SHIPPED, rows, {"p"})
    return {each.model: each for each in known.offers["p"] if ("p", each.model) not in known.withdrawn}


def test_a_new_priced_model_is_known_with_what_its_list_says() -> None:
    listed = row(
        "n", "v/new", name="New", context_length=9, features=("vision",), created=0, price=Price(input=1, output=2)
    )
    known = laid_over(SHIPPED, [listed], {"p"})
    assert known.models["v/new"] == KnownModel(
        name="New", context_length=9, features=("vision",), modality="text+image->text", created="1970-01-01"
    )
    assert {each.model for each in known.offers["p"]} == {"v/m", "v/new"}


def test_models_without_a_price_stay_out() -> None:
    assert offers(row("n", "v/new", "unpriced"), row("o", "v/odd", "refused")).keys() == {"v/m"}
    assert "v/new" not in laid_over(SHIPPED, [row("n", "v/new", "unpriced")], {"p"}).models


def test_another_price_replaces_the_shipped_one_and_the_same_price_keeps_its_other_rates() -> None:
    dearer = offers(row("p-m", "v/m", price=Price(input=7, output=8), context_length=20))["v/m"]
    assert (dearer.price.input, dearer.price.cache_read, dearer.context_length) == (7, None, 20)
    same = offers(row("p-m", "v/m", price=Price(input=5, output=6)))["v/m"]
    assert same.price.cache_read == 1 and same.context_length == 10
    cached = offers(row("p-m", "v/m", price=Price(input=5, output=6, cache_read=2)))["v/m"]
    assert cached.price.cache_read == 2


def test_another_id_of_the_same_model_changes_nothing() -> None:
    other = row("p-m-fast", "v/m", price=Price(input=70, output=80))
    assert offers(other)["v/m"] == SHIPPED.offers["p"][0]
    assert offers(row("p-m-fast", "v/m", is_active=False))["v/m"].id == "p-m"


def test_what_its_provider_lists_no_more_is_withdrawn_there() -> None:
    assert offers(row("p-m", "v/m", is_active=False)) == {}
    assert offers(row("p-m", "v/m", "confirmed")).keys() == {"v/m"}


def test_lists_of_providers_that_are_off_do_not_count() -> None:
    known = laid_over(SHIPPED, [row("n", "v/new", price=Price(input=1, output=2))], {"q"})
    assert "v/new" not in known.models and known.offers == {"p": SHIPPED.offers["p"]}
