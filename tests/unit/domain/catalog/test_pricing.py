from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.config.sections.models import PriceEntry
from gatewayz.domain.catalog.pricing import likely_cost, price_from_entry, scaled_price
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.offers import Offer, Price, PriceTier
from gatewayz.sdk.usage import Usage


def entry(**fields: object) -> PriceEntry:
    return msgspec.convert({"input": "1", "output": "2", **fields}, PriceEntry)


def test_rates_become_whole_nano_dollars() -> None:
    price = price_from_entry(
        entry(
            input=0.15, output="0.6", cache_read=0.0375, request="0.005", image=0.04, source="page", date="2026-11-24"
        ),
        "models.a/b.price",
    )
    assert price == Price(
        input=150_000_000,
        output=600_000_000,
        cache_read=37_500_000,
        request=5_000_000,
        image=40_000_000,
        source="page",
        date="2026-11-24",
    )


def test_tiers_are_sorted_and_charged_above_their_length() -> None:
    tiers = [{"above_tokens": 200, "input": 4, "output": 8}, {"above_tokens": 100, "input": 2, "output": 4}]
    price = price_from_entry(entry(tiers=tiers), "k")
    assert [tier.above_tokens for tier in price.tiers] == [100, 200]
    assert price.cost(Usage(input_tokens=100)).input == 100 * 1000
    assert price.cost(Usage(input_tokens=101)).input == 101 * 2000
    assert price.cost(Usage(input_tokens=201)).input == 201 * 4000


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"input": "-1"}, "k.input"),
        ({"output": "much"}, "k.output"),
        ({"cache_read": "0.0000000001"}, "k.cache_read"),
        ({"image": float("inf")}, "k.image"),
        ({"tiers": [{"above_tokens": 1, "input": 1, "output": -1}]}, "k.tiers[0].output"),
    ],
)
def test_an_impossible_rate_is_refused_with_its_path(fields: dict[str, object], path: str) -> None:
    with pytest.raises(ConfigurationError, match=path.replace("[", r"\[").replace("]", r"\]")):
        price_from_entry(entry(**fields), "k")


def offer(rate: int | None) -> Offer:
    return Offer(
        model="a/b",
        provider="p",
        upstream_model="b",
        price=None if rate is None else Price(input=rate, output=2 * rate),
    )


def test_the_likely_cost_is_that_of_the_dearest_priced_offer() -> None:
    offers = (offer(1_000_000), offer(5_000_000), offer(None))
    assert likely_cost(offers, 10, 20) == 5 * 10 + 10 * 20
    assert likely_cost(offers, 10, 20, n=3) == 5 * 10 + 10 * 60
    assert likely_cost((offer(None),), 10, 20) == 0
    assert likely_cost((offer(0),), 10, 20) == 0


@given(st.integers(0, 10**7), st.integers(0, 10**6), st.lists(st.integers(0, 10**12), min_size=1, max_size=4))
def test_no_offer_of_the_plan_costs_more_than_likely(prompt: int, output: int, rates: list[int]) -> None:
    offers = [offer(rate) for rate in rates]
    bound = likely_cost(offers, prompt, output)
    usage = Usage(input_tokens=prompt, output_tokens=output)
    assert all(each.price is not None and each.price.cost(usage).total <= bound for each in offers)


def test_every_rate_is_scaled_half_up() -> None:
    tier = PriceTier(above_tokens=100, input=3, output=4, cache_read=None)
    price = Price(
        input=5, output=7, cache_read=1, request=10, image=None, tiers=(tier,), source="page", date="2026-11-24"
    )
    scaled = scaled_price(price, Decimal("0.5"))
    assert scaled == Price(
        input=3,
        output=4,
        cache_read=1,
        request=5,
        tiers=(PriceTier(above_tokens=100, input=2, output=2),),
        source="page",
        date="2026-11-24",
    )


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**6), st.integers(0, 10**6))
def test_half_the_price_is_half_the_cost_to_the_nano_dollar(inp: int, out: int, asked: int, said: int) -> None:
    price, usage = Price(input=2 * inp, output=2 * out), Usage(input_tokens=asked, output_tokens=said)
    half = scaled_price(price, Decimal("0.5")).cost(usage).total
    assert abs(2 * half - price.cost(usage).total) <= 2  # each side is rounded once
