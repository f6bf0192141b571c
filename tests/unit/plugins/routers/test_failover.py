from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import RoutingCall
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.testing import RouterContract
from gatewayz_plugins.routers.failover.router import FailoverRouter, FailoverSettings
from tests.fakes.plugin_modules import context

CALL = RoutingCall(requested_model="b", model="a/b", prompt_tokens=1)
STATES = st.lists(st.sampled_from(["ready", "open", "cooling"]), max_size=6)


class TestFailover(RouterContract):
    module = "gatewayz_plugins.routers.failover"
    settings = FailoverSettings
    sample = {"open_circuits": "last"}

    def build(self, settings: FailoverSettings, context: PluginContext) -> FailoverRouter:
        return FailoverRouter(settings, context)


class Signals:
    def __init__(self, states: list[str]) -> None:
        self.states = states

    def is_open(self, offer: Offer) -> bool:
        return self.states[int(offer.provider)] == "open"

    def is_cooling(self, offer: Offer) -> bool:
        return self.states[int(offer.provider)] == "cooling"

    def latency_p50_ms(self, offer: Offer) -> float | None:
        return None


def rank(states: list[str], **settings: Any) -> tuple[str, str]:
    """Return the numbers of the offers in their order, and the reason."""
    offers = [Offer(model="a/b", provider=str(number), upstream_model="b") for number in range(len(states))]
    router = FailoverRouter(FailoverSettings(**settings), context("routers", "default"))
    ranking = router.rank(CALL, offers, Signals(states))
    return "".join(offer.provider for offer in ranking.offers), ranking.reason


def test_the_given_order_is_kept() -> None:
    assert rank(["ready"] * 3) == ("012", "all routes ready, in catalog order")


def test_what_cools_is_left_out_and_open_circuits_too() -> None:
    order, reason = rank(["open", "ready", "cooling", "ready"])
    assert order == "13"
    assert reason == "2 ready in catalog order; 1 cooling down, 1 with an open circuit"


def test_open_circuits_may_come_last() -> None:
    assert rank(["open", "ready", "open", "ready"], open_circuits="last")[0] == "1302"


def test_when_all_circuits_are_open_they_are_a_last_resort() -> None:
    assert rank(["open", "cooling", "open"]) == (
        "02",
        "no route is ready, so a last resort; 1 cooling down, 2 with an open circuit",
    )


def test_when_all_cool_down_there_is_nothing_to_try() -> None:
    assert rank(["cooling", "cooling"]) == ("", "no route is ready; 2 cooling down")
    assert rank([]) == ("", "all routes ready, in catalog order")


@given(STATES, st.sampled_from(["skip", "last"]))
def test_it_never_invents_never_repeats_and_always_says_why(states: list[str], open_circuits: str) -> None:
    order, reason = rank(states, open_circuits=open_circuits)
    assert len(set(order)) == len(order)
    assert all(states[int(number)] != "cooling" for number in order)
    ready = "".join(str(number) for number, state in enumerate(states) if state == "ready")
    assert order.startswith(ready)
    assert bool(order) is any(state != "cooling" for state in states)
    assert reason


def test_the_manifest_is_there() -> None:
    import gatewayz_plugins.routers.failover as module

    assert Path(module.__file__).with_name("plugin.yaml").is_file()
