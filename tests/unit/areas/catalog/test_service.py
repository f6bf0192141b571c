import asyncio
import gc
import weakref
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from anthropic.types import ModelInfo
from openai.types import Model as OpenaiModel

from gatewayz.areas.catalog.current import CurrentLists
from gatewayz.areas.catalog.rows import FRESH_S
from gatewayz.areas.catalog.service import DeveloperQuery, ListQuery, ModelLists, wants_anthropic_shape
from gatewayz.config.sections.providers import Display, ProviderEntry
from gatewayz.domain.catalog.build import build_catalog
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound
from gatewayz.web.pages import make_page
from tests.fakes.catalog import configured, settings_of
from tests.fakes.clock import FakeClock
from tests.fakes.traffic import FakeTraffic

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MODELS = {f"maker/m{at}": {"p": f"m{at}"} for at in range(7)}
MODELS |= {"openai/gpt-4o": {"openai": "gpt-4o", "openrouter": "openai/gpt-4o"}, "other/x": {"openrouter": "other/x"}}


PROVIDERS = {
    "openai": ProviderEntry(use="x", display=Display(name="OpenAI", site="openai.com")),
    "idle": ProviderEntry(use="x", display=Display(name="Idle", aliases=("lazy",))),
    "p": ProviderEntry(use="x", display=Display(name="P", site="p.example/ai", is_private=True)),
}


def lists_of(models: dict[str, dict[str, Any]]) -> ModelLists:
    settings = settings_of(models, detection={"slugs": {"router": "openrouter"}})
    catalog = build_catalog(settings, configured("p", "openai", "openrouter"))
    clock = FakeClock()
    return ModelLists(catalog, Gateways(PROVIDERS, catalog), FakeTraffic(clock), clock)


@pytest.fixture
def lists() -> ModelLists:
    return lists_of(MODELS)


def page(lists: ModelLists, **query: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(make_page(lists.openai_page(ListQuery(**query)), NOW).body)
    return decoded


def ids(answer: dict[str, Any]) -> list[str]:
    return [row["id"] for row in answer["data"]]


def test_the_openai_list_has_every_model_and_the_paging_fields(lists: ModelLists) -> None:
    answer = page(lists)
    assert answer["object"] == "list"
    assert ids(answer) == sorted(MODELS)
    assert (answer["total"], answer["returned"], answer["offset"], answer["limit"]) == (9, 9, 0, 100)
    assert (answer["has_more"], answer["next_offset"], answer["timestamp"]) == (False, None, "2026-11-24T12:00:00Z")


def test_a_model_is_read_by_the_openai_sdk_and_carries_our_fields(lists: ModelLists) -> None:
    (row,) = page(lists, provider="openai")["data"]
    assert OpenaiModel.model_validate(row).owned_by == "openai"
    assert row["pricing"] == {"prompt": "0.000001", "completion": "0.000002"}
    assert (row["provider_slug"], row["source_gateway"], row["providers"]) == (
        "openai", "openai", ["openai", "openrouter"],
    )  # fmt: skip
    assert (row["provider_site_url"], row["model_logo_url"]) == ("https://openai.com", "https://openai.com/favicon.ico")
    assert row["metadata"] == {"price_source": "operator", "price_date": ""}
    assert (row["health_status"], row["average_response_time_ms"]) == ("unknown", None)
    assert row["supports_streaming"] is True


def test_pages_follow_each_other_without_gap(lists: ModelLists) -> None:
    seen: list[str] = []
    offset: int | None = 0
    while offset is not None:
        answer = page(lists, limit=4, offset=offset)
        seen += ids(answer)
        offset = answer["next_offset"]
    assert seen == sorted(MODELS)
    assert ids(page(lists, offset=99)) == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"provider": "maker"}, 7),
        ({"provider": "openrouter"}, 2),
        ({"provider": "Router"}, 2),
        ({"provider": "nobody"}, 0),
        ({"gateway": "openrouter"}, 2),
        ({"gateway": "router", "provider": "other"}, 1),
        ({"gateway": "idle"}, 0),
        ({"gateway": "Lazy"}, 0),
        ({"gateway": "all"}, 9),
        ({"is_private": True}, 7),
        ({"is_private": False}, 2),
        ({"unique_models": False}, 10),
        ({"unique_models": False, "provider": "openai"}, 1),
        ({"unique_models": False, "provider": "maker"}, 7),
    ],
)
def test_filters(lists: ModelLists, query: dict[str, str], count: int) -> None:
    answer = page(lists, **query)
    assert (answer["total"], answer["returned"]) == (count, count)


def test_a_gateway_shows_its_own_entry(lists: ModelLists) -> None:
    for query in ({"gateway": "openrouter"}, {"provider": "openrouter"}):
        assert {row["provider_slug"] for row in page(lists, **query)["data"]} == {"openrouter"}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [({"limit": 0}, "limit"), ({"limit": 10_001}, "limit"), ({"offset": -1}, "offset"), ({"gateway": "no"}, "gateway")],
)
def test_values_out_of_range_are_named(lists: ModelLists, query: dict[str, object], parameter: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        page(lists, **query)
    assert caught.value.param == parameter
    if parameter == "gateway":
        assert caught.value.context["allowed_values"] == ["all", "idle", "openai", "openrouter", "p"]


def test_the_anthropic_list_is_read_by_its_sdk_and_pages_by_cursor(lists: ModelLists) -> None:
    first = decoded(lists.anthropic_page(limit=5))
    assert [ModelInfo.model_validate(row).type for row in first["data"]] == ["model"] * 5
    assert (first["has_more"], first["first_id"], first["last_id"]) == (True, "maker/m0", "maker/m4")
    assert first["data"][0]["created_at"] == "1970-01-01T00:00:00Z"
    rest = decoded(lists.anthropic_page(limit=5, after_id="maker/m4"))
    assert (rest["has_more"], [row["id"] for row in rest["data"]][-1]) == (False, "other/x")
    back = decoded(lists.anthropic_page(limit=2, before_id="maker/m4"))
    assert [row["id"] for row in back["data"]] == ["maker/m2", "maker/m3"]
    end = decoded(lists.anthropic_page(after_id="other/x"))
    assert (end["data"], end["first_id"]) == ([], None)
    with pytest.raises(InvalidRequest, match="after_id"):
        lists.anthropic_page(after_id="no/such")


def decoded(value: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


def test_one_model_by_any_name_has_its_fields_at_both_levels(lists: ModelLists) -> None:
    answer = decoded(lists.openai_model("gpt-4o"))
    assert OpenaiModel.model_validate(answer).id == "openai/gpt-4o"
    assert answer["data"]["id"] == "openai/gpt-4o"
    assert (answer["provider"], answer["model"]) == ("openai", "gpt-4o")
    assert decoded(lists.openai_model("gpt-4o", gateway="router"))["provider_slug"] == "openrouter"
    assert ModelInfo.model_validate_json(bytes(lists.anthropic_model("openai/gpt-4o"))).id == "openai/gpt-4o"
    with pytest.raises(ModelNotFound):
        lists.openai_model("no/such")


def test_a_model_that_a_gateway_does_not_serve_is_not_found_there(lists: ModelLists) -> None:
    with pytest.raises(ModelNotFound) as caught:
        lists.openai_model("gpt-4o", gateway="p")
    assert caught.value.context["allowed_values"] == ["openai", "openrouter"]
    with pytest.raises(InvalidRequest):
        lists.openai_model("gpt-4o", gateway="nowhere")


def test_the_models_of_a_maker(lists: ModelLists) -> None:
    answer = decoded(lists.developer_page("Maker", DeveloperQuery(limit=2, offset=6)))
    assert ([row["id"] for row in answer["models"]], answer["total"], answer["count"]) == (["maker/m6"], 7, 1)
    assert decoded(lists.developer_page("nobody", DeveloperQuery()))["models"] == []
    assert lists.is_developer("OpenAI") and not lists.is_developer("gpt-4o")


def test_tags_change_with_content_only(lists: ModelLists) -> None:
    def tag(lists: ModelLists, now: datetime = NOW, **query: Any) -> str:
        return make_page(lists.openai_page(ListQuery(**query)), now).etag

    assert tag(lists) == tag(lists, datetime(2027, 1, 1, tzinfo=UTC)) == tag(lists_of(MODELS))
    assert tag(lists) != tag(lists, limit=3)
    assert tag(lists) != tag(lists_of({"a/b": {"p": "b"}}))


def test_health_and_speed_come_from_traffic_and_are_looked_at_now_and_then() -> None:
    clock = FakeClock()
    traffic = FakeTraffic(clock)
    catalog = build_catalog(settings_of(MODELS), configured("openai", "openrouter"))
    lists = ModelLists(catalog, Gateways(PROVIDERS, catalog), traffic, clock)

    def vitals(**query: Any) -> tuple[str, float | None]:
        row = page(lists, provider="openai", **query)["data"][0]
        return row["health_status"], row["average_response_time_ms"]

    lists.rows.refresh()
    before = lists.rows.version
    assert vitals() == ("unknown", None)
    traffic.call("openai", "openai/gpt-4o", ms=120)
    traffic.call("openai", "openai/gpt-4o", ms=180)
    lists.rows.refresh()
    assert vitals() == ("unknown", None) and lists.rows.version == before, "rows are kept for a moment"
    clock.advance(FRESH_S)
    lists.rows.refresh()
    assert vitals() == ("healthy", 150.0) and lists.rows.version != before
    assert vitals(gateway="openrouter") == ("unknown", None), "each entry has its own"
    now = lists.rows.version
    clock.advance(FRESH_S)
    lists.rows.refresh()
    assert lists.rows.version == now, "nothing new keeps the pages"
    traffic.call("openai", "openai/gpt-4o", is_fault=True)
    clock.advance(FRESH_S)
    lists.rows.refresh()
    assert vitals() == ("down", 150.0)


async def test_lists_are_made_once_for_each_catalog_and_the_last_one_is_kept() -> None:
    settings, clock = settings_of(MODELS), FakeClock()
    traffic, current = FakeTraffic(clock), CurrentLists()

    async def ask(catalog: Catalog) -> ModelLists:
        return await current.of(catalog, settings, traffic, clock)

    first = build_catalog(settings, configured("p"))
    lists, again = await asyncio.gather(ask(first), ask(first))
    assert lists is again
    second = build_catalog(settings, configured("p"))
    other = await ask(second)
    assert other is not lists and other.rows.version != lists.rows.version
    forgotten = weakref.ref(first)
    del first, lists, again
    gc.collect()
    assert forgotten() is None, "a catalog that is no longer served is not kept"


def test_clients_are_told_apart_by_headers() -> None:
    assert wants_anthropic_shape([(b"anthropic-version", b"2023-06-01")])
    assert not wants_anthropic_shape([(b"x-api-key", b"gw_live_x")])
    assert not wants_anthropic_shape([(b"authorization", b"Bearer x"), (b"accept", b"*/*")])
