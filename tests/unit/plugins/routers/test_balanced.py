from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gatewayz_plugins.routers.balanced as module
from gatewayz.sdk.interfaces import RoutingCall
from gatewayz.sdk.offers import Offer, Price
from gatewayz.sdk.testing import SettingsContract
from gatewayz_plugins.routers.balanced.rendezvous import draw, number_of, standing
from gatewayz_plugins.routers.balanced.router import BalancedRouter
from gatewayz_plugins.routers.balanced.settings import BalancedSettings
from tests.fakes.plugin_modules import context

NAMES = ("east", "west", "north", "south")
STATES = st.lists(st.sampled_from(["ready", "open", "cooling"]), min_size=1, max_size=4)
STRATEGIES = ("order", "price", "latency", "weighted", "spread")


class TestSettings(SettingsContract):
    module = "gatewayz_plugins.routers.balanced"
    settings = BalancedSettings
    sample = {"strategy": "weighted", "weights": {"groq": 3, "together": 1}}


class Signals:
    """What a test says of the routes."""

    def __init__(self, states: Mapping[str, str] | None = None, **latencies: float) -> None:
        self.states = states or {}
        self.latencies = latencies

    def is_open(self, offer: Offer) -> bool:
        return self.states.get(offer.provider) == "open"

    def is_cooling(self, offer: Offer) -> bool:
        return self.states.get(offer.provider) == "cooling"

    def latency_p50_ms(self, offer: Offer) -> float | None:
        return self.latencies.get(offer.provider)


def router(**settings: Any) -> BalancedRouter:
    return BalancedRouter(BalancedSettings(**settings), context("routers", "default"))


def offer(provider: str, price: tuple[int, int] | None = None, **fields: Any) -> Offer:
    rates = None if price is None else Price(input=price[0], output=price[1])
    return Offer(model="a/b", provider=provider, upstream_model="b", price=rates, **fields)


def call(affinity: str | None = None, **fields: Any) -> RoutingCall:
    plain: dict[str, Any] = {"requested_model": "a/b", "model": "a/b", "prompt_tokens": 1000}
    return RoutingCall(**(plain | fields), affinity=affinity)


def order(balanced: BalancedRouter, asked: RoutingCall, offers: list[Offer], signals: Signals) -> list[str]:
    return [found.provider for found in balanced.rank(asked, offers, signals).offers]


FOUR = [offer(name) for name in NAMES]
CONVERSATIONS = [f"conversation-{number}" for number in range(4000)]


def firsts(balanced: BalancedRouter, offers: list[Offer], signals: Signals) -> dict[str, str]:
    """Return each conversation's first offer."""
    return {each: order(balanced, call(each), offers, signals)[0] for each in CONVERSATIONS}


def test_a_conversation_stays_where_it_is() -> None:
    one, other = router(strategy="spread"), router(strategy="spread")
    for each in CONVERSATIONS[:200]:
        assert order(one, call(each), FOUR, Signals()) == order(other, call(each), list(reversed(FOUR)), Signals())


def test_a_conversation_without_a_name_is_known_by_how_it_began() -> None:
    balanced = router(strategy="spread")
    for each in CONVERSATIONS[:50]:
        places = {tuple(order(balanced, call(opening=each * 100), FOUR, Signals())) for _ in range(3)}
        assert len(places) == 1
    beginnings = [order(balanced, call(opening=each), FOUR, Signals())[0] for each in CONVERSATIONS[:200]]
    assert set(beginnings) == set(NAMES)
    named = {order(balanced, call("one", opening=each), FOUR, Signals())[0] for each in CONVERSATIONS[:50]}
    assert len(named) == 1


@pytest.mark.parametrize("strategy", ["weighted", "spread"])
@pytest.mark.parametrize("state", ["open", "cooling"])
def test_only_the_conversations_on_an_offer_that_goes_away_move(strategy: str, state: str) -> None:
    balanced = router(strategy=strategy, weights={"east": 3, "west": 2})
    before = firsts(balanced, FOUR, Signals())
    after = firsts(balanced, FOUR, Signals({"west": state}))
    assert {each for each in CONVERSATIONS if before[each] != after[each]} == {
        each for each in CONVERSATIONS if before[each] == "west"
    }
    assert "west" not in after.values()
    moved = Counter(after[each] for each in CONVERSATIONS if before[each] == "west")
    assert set(moved) == {"east", "north", "south"}
    assert firsts(balanced, FOUR, Signals()) == before


def test_one_credential_that_cools_moves_nobody_else() -> None:
    class OneCools(Signals):
        def is_cooling(self, offer: Offer) -> bool:
            return offer.credential == "two"

    offers = [offer("east", credential="one"), offer("east", credential="two"), offer("west")]
    balanced = router()
    before = [balanced.rank(call(each), offers, Signals()).offers[0] for each in CONVERSATIONS]
    after = [balanced.rank(call(each), offers, OneCools()).offers[0] for each in CONVERSATIONS]
    assert all(then == now for then, now in zip(before, after, strict=True) if then.credential != "two")
    shares = Counter(found.provider for found in before)
    assert shares["west"] / len(CONVERSATIONS) == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize("with_affinity", [True, False])
def test_shares_follow_the_weights(with_affinity: bool) -> None:
    balanced = router(weights={"east": 6, "west": 3, "south": 0})
    asked = [call(each if with_affinity else None) for each in CONVERSATIONS]
    shares = Counter(order(balanced, each, FOUR, Signals())[0] for each in asked)
    assert shares["east"] / len(asked) == pytest.approx(0.6, abs=0.03)
    assert shares["west"] / len(asked) == pytest.approx(0.3, abs=0.03)
    assert shares["north"] / len(asked) == pytest.approx(0.1, abs=0.03)
    assert shares["south"] == 0
    assert {order(balanced, each, FOUR, Signals())[-1] for each in asked} == {"south"}


def test_spread_knows_no_weights() -> None:
    shares = Counter(firsts(router(strategy="spread", weights={"east": 100}), FOUR, Signals()).values())
    assert all(shares[name] / len(CONVERSATIONS) == pytest.approx(0.25, abs=0.03) for name in NAMES)


def test_the_draw_decides_and_nothing_else() -> None:
    def drawn(conversation: int, about: str) -> float:
        return 0.9 if conversation == number_of(about.partition("\0")[0]) else 0.1

    balanced = BalancedRouter(BalancedSettings(), context("routers", "default"), draw=drawn)
    assert [order(balanced, call(name), FOUR, Signals())[0] for name in NAMES] == list(NAMES)


def test_price_is_that_of_the_call() -> None:
    """Long prompts go where reading is cheap, long answers where writing is."""
    offers = [offer("east"), offer("west", (10, 1000)), offer("north", (100, 200)), offer("south", (9999, 9999))]
    balanced = router(strategy="price", expected_output_tokens=2000)
    assert order(balanced, call("x", prompt_tokens=1_000_000), offers, Signals()) == ["west", "north", "south", "east"]
    assert order(balanced, call("x", prompt_tokens=10_000), offers, Signals()) == ["north", "west", "south", "east"]
    short = call("x", prompt_tokens=10_000, max_output_tokens=100)
    assert order(balanced, short, offers, Signals())[0] == "west"


def test_equal_prices_share_by_weight() -> None:
    offers = [offer("east", (5_000, 5_000)), offer("west", (5_000, 5_000)), offer("north", (6_000, 6_000))]
    shares = Counter(firsts(router(strategy="price", weights={"east": 3}), offers, Signals()).values())
    assert shares["east"] / len(CONVERSATIONS) == pytest.approx(0.75, abs=0.03)
    assert shares["north"] == 0


def test_the_fastest_is_first_and_those_nearly_as_fast_share() -> None:
    signals = Signals(east=100.0, west=120.0, north=400.0, south=300.0)
    balanced = router(strategy="latency")
    shares = Counter(firsts(balanced, FOUR, signals).values())
    assert set(shares) == {"east", "west"}
    assert shares["east"] / len(CONVERSATIONS) == pytest.approx(0.5, abs=0.03)
    assert order(balanced, call("x"), FOUR, signals)[2:] == ["south", "north"]


def test_some_conversations_find_out_how_fast_the_others_are() -> None:
    balanced = router(strategy="latency", explore=0.1)
    shares = Counter(firsts(balanced, FOUR, Signals(east=100.0)).values())
    assert shares["east"] / len(CONVERSATIONS) == pytest.approx(0.9, abs=0.03)
    assert set(shares) == set(NAMES)
    assert set(firsts(router(strategy="latency", explore=0), FOUR, Signals(east=100.0)).values()) == {"east"}


def test_without_a_measurement_latency_is_the_catalogs_order() -> None:
    assert order(router(strategy="latency"), call("x"), FOUR, Signals()) == list(NAMES)


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(
    ("requested", "leads"), [("east/a/b", True), ("lab/b-turbo", True), ("a/b", False), ("b-turbo", False)]
)
def test_a_provider_named_in_front_is_tried_first(strategy: str, requested: str, leads: bool) -> None:
    first = Offer(model="a/b", provider="east", upstream_model="lab/b-turbo", price=Price(input=9, output=9))
    offers = [first, offer("west", (1, 1)), offer("north", (2, 2))]
    balanced = router(strategy=strategy, weights={"east": 0.001})
    asked = [call(each, requested_model=requested) for each in CONVERSATIONS[:50]]
    found = {order(balanced, each, offers, Signals(west=1.0, north=1.0, east=99.0))[0] for each in asked}
    assert (found == {"east"}) is (leads or strategy == "order")


@given(STATES, st.sampled_from(STRATEGIES), st.none() | st.text(max_size=20), st.integers(0, 3))
def test_what_is_shut_is_never_tried_while_another_is_ready(
    states: list[str], strategy: str, affinity: str | None, weight: int
) -> None:
    offers = FOUR[: len(states)]
    said = dict(zip(NAMES, states, strict=False))
    ranking = router(strategy=strategy, weights={"east": weight}).rank(
        call(affinity), offers, Signals(said, east=10.0, west=20.0)
    )
    tried = [found.provider for found in ranking.offers]
    best = next((state for state in ("ready", "open") if state in states), None)
    assert sorted(tried) == sorted(name for name, state in said.items() if state == best)
    assert ranking.reason


def test_it_says_why() -> None:
    balanced = router(strategy="price")
    assert balanced.rank(call(), FOUR, Signals()).reason == "4 ready by price"
    some = Signals({"east": "cooling", "west": "open"})
    assert balanced.rank(call(), FOUR, some).reason == "2 ready by price; 1 cooling down, 1 with an open circuit"
    shut = Signals(dict.fromkeys(NAMES, "open"))
    assert balanced.rank(call(), FOUR, shut).reason.startswith("no route is ready, so a last resort by price")
    assert balanced.rank(call(), FOUR, Signals(dict.fromkeys(NAMES, "cooling"))).offers == ()


@given(st.text(), st.text())
def test_draws_are_numbers_one_can_take_the_logarithm_of(conversation: str, about: str) -> None:
    drawn = draw(number_of(conversation), about)
    assert 0.0 < drawn < 1.0
    assert drawn == draw(number_of(conversation), about)
    assert standing(1.0, drawn) > 0.0


def test_draws_are_the_same_in_every_process() -> None:
    assert draw(number_of("conversation"), "east\0default") == pytest.approx(0.5190604387151128)
    assert standing(0.0, 0.5) == 0.0


def test_draws_of_two_offers_have_nothing_to_do_with_each_other() -> None:
    drawn = [(draw(number_of(each), "east"), draw(number_of(each), "west")) for each in CONVERSATIONS]
    quarters = Counter((east < 0.5, west < 0.5) for east, west in drawn)
    assert all(count / len(drawn) == pytest.approx(0.25, abs=0.03) for count in quarters.values())
    assert sum(east for east, _ in drawn) / len(drawn) == pytest.approx(0.5, abs=0.02)


def test_the_manifest_is_there() -> None:
    assert Path(module.__file__).with_name("plugin.yaml").is_file()
