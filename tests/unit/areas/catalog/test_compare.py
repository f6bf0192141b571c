"""Prices side by side, and what to take."""

from typing import Any

import msgspec
import pytest

from gatewayz.areas.catalog.compare import BatchBody, compare, compare_batch
from gatewayz.areas.catalog.service import ModelLists
from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.build import build_catalog
from gatewayz.domain.catalog.gateways import Gateways
from tests.fakes.catalog import configured
from tests.fakes.clock import FakeClock
from tests.fakes.traffic import FakeTraffic

OFFERS: dict[str, Any] = {
    "dear": {"price": {"input": "4", "output": "8"}, "context_length": 1000},
    "cheap": {"price": {"input": "1", "output": "2"}, "context_length": 500},
    "middle": {"price": {"input": "2", "output": "2"}},
}


@pytest.fixture
def traffic() -> FakeTraffic:
    return FakeTraffic(FakeClock())


@pytest.fixture
def lists(traffic: FakeTraffic) -> ModelLists:
    models = {"m/x": {"offers": OFFERS}, "m/alone": {"offers": {"dear": OFFERS["dear"]}}}
    settings = msgspec.convert({"models": models, "catalog_snapshot": False}, Settings)
    catalog = build_catalog(settings, configured(*OFFERS))
    return ModelLists(catalog, Gateways({}, catalog), traffic, FakeClock())


def test_the_cheapest_is_recommended_unless_it_is_down(lists: ModelLists, traffic: FakeTraffic) -> None:
    found = compare(lists, "m/x")
    assert found["recommendation"]["gateway"] == "cheap" and found["recommendation"]["pricing"].prompt == "0.000001"
    assert found["savings"] == {
        "potential_savings_per_1m_tokens": 4.5,
        "savings_percentage": 75.0,
        "cheapest_gateway": "cheap",
        "cheapest_price_per_token": "0.0000015",
        "most_expensive_gateway": "dear",
        "most_expensive_price_per_token": "0.000006",
    }
    traffic.call("cheap", "m/x", is_fault=True)
    lists.rows.refresh()
    assert compare(lists, "m/x")["recommendation"]["gateway"] == "middle"


def test_one_gateway_has_nothing_to_save(lists: ModelLists) -> None:
    found = compare(lists, "m/alone", "dear, cheap,dear")
    assert [(each.gateway, each.available) for each in found["comparisons"]] == [("dear", True), ("cheap", False)]
    assert found["savings"] is None and found["recommendation"]["gateway"] == "dear"
    assert compare(lists, "m/alone", "cheap")["recommendation"] is None


@pytest.mark.parametrize(
    ("criteria", "order"),
    [("price", ["cheap", "middle", "dear"]), ("context", ["dear", "cheap", "middle"])],
)
def test_batches_are_ordered_by_the_criterion(lists: ModelLists, criteria: Any, order: list[str]) -> None:
    (result,) = compare_batch(lists, BatchBody(model_ids=("m/x",), criteria=criteria))["results"]
    assert [each.gateway for each in result["comparison"]] == order


def test_available_is_what_answers_and_what_answers_soonest(lists: ModelLists, traffic: FakeTraffic) -> None:
    traffic.call("dear", "m/x", ms=300)
    traffic.call("middle", "m/x", ms=100)
    traffic.call("cheap", "m/x", is_fault=True)
    lists.rows.refresh()
    (result,) = compare_batch(lists, BatchBody(model_ids=("m/x",), criteria="availability"))["results"]
    assert [each.gateway for each in result["comparison"]] == ["middle", "dear", "cheap"]
