from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from anthropic.types import ModelInfo
from openai.types import Model as OpenaiModel

from gatewayz.areas.catalog.service import ModelLists, model_lists, wants_anthropic_shape
from gatewayz.config.sections.providers import Display
from gatewayz.domain.catalog.build import build_catalog
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound
from tests.fakes.catalog import configured, settings_of

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
MODELS = {f"maker/m{at}": {"p": f"m{at}"} for at in range(7)}
MODELS |= {"openai/gpt-4o": {"openai": "gpt-4o", "openrouter": "openai/gpt-4o"}, "other/x": {"openrouter": "other/x"}}


@pytest.fixture
def lists() -> ModelLists:
    settings = settings_of(MODELS, detection={"slugs": {"router": "openrouter"}})
    catalog = build_catalog(settings, configured("p", "openai", "openrouter"))
    return ModelLists(catalog, {"openai": Display(name="OpenAI", site="openai.com"), "idle": Display(name="Idle")})


def page(lists: ModelLists, **query: Any) -> dict[str, Any]:
    decoded: dict[str, Any] = msgspec.json.decode(lists.openai_page(now=NOW, **query).body)
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
    assert row["provider_site_url"] == "https://openai.com"
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
    ],
)
def test_filters(lists: ModelLists, query: dict[str, str], count: int) -> None:
    answer = page(lists, **query)
    assert (answer["total"], answer["returned"]) == (count, count)


def test_a_gateway_shows_its_own_entry(lists: ModelLists) -> None:
    rows = page(lists, gateway="openrouter")["data"]
    assert {row["provider_slug"] for row in rows} == {"openrouter"}


@pytest.mark.parametrize(
    ("query", "parameter"),
    [({"limit": 0}, "limit"), ({"limit": 10_001}, "limit"), ({"offset": -1}, "offset"), ({"gateway": "no"}, "gateway")],
)
def test_values_out_of_range_are_named(lists: ModelLists, query: dict[str, object], parameter: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        page(lists, **query)
    assert caught.value.param == parameter


def test_the_anthropic_list_is_read_by_its_sdk_and_pages_by_cursor(lists: ModelLists) -> None:
    first = msgspec.json.decode(lists.anthropic_page(limit=5).body)
    assert [ModelInfo.model_validate(row).type for row in first["data"]] == ["model"] * 5
    assert (first["has_more"], first["first_id"], first["last_id"]) == (True, "maker/m0", "maker/m4")
    assert first["data"][0]["created_at"] == "1970-01-01T00:00:00Z"
    rest = msgspec.json.decode(lists.anthropic_page(limit=5, after_id="maker/m4").body)
    assert (rest["has_more"], [row["id"] for row in rest["data"]][-1]) == (False, "other/x")
    back = msgspec.json.decode(lists.anthropic_page(limit=2, before_id="maker/m4").body)
    assert [row["id"] for row in back["data"]] == ["maker/m2", "maker/m3"]
    end = msgspec.json.decode(lists.anthropic_page(after_id="other/x").body)
    assert (end["data"], end["first_id"]) == ([], None)
    with pytest.raises(InvalidRequest, match="after_id"):
        lists.anthropic_page(after_id="no/such")


def test_one_model_by_any_name_has_its_fields_at_both_levels(lists: ModelLists) -> None:
    answer = msgspec.json.decode(lists.openai_model("gpt-4o", now=NOW).body)
    assert OpenaiModel.model_validate(answer).id == "openai/gpt-4o"
    assert answer["data"]["id"] == "openai/gpt-4o"
    assert (answer["provider"], answer["model"]) == ("openai", "gpt-4o")
    there = msgspec.json.decode(lists.openai_model("gpt-4o", now=NOW, gateway="router").body)
    assert there["provider_slug"] == "openrouter"
    assert ModelInfo.model_validate_json(lists.anthropic_model("openai/gpt-4o").body).id == "openai/gpt-4o"
    with pytest.raises(ModelNotFound):
        lists.openai_model("no/such", now=NOW)


def test_tags_change_with_query_and_content_only(lists: ModelLists) -> None:
    later = datetime(2027, 1, 1, tzinfo=UTC)
    tag = lists.openai_page(now=NOW).etag
    assert tag == lists.openai_page(now=later).etag
    assert tag != lists.openai_page(now=NOW, limit=3).etag
    assert tag != lists.anthropic_page().etag
    other = ModelLists(build_catalog(settings_of({"a/b": {"p": "b"}}), configured("p")), {})
    assert tag != other.openai_page(now=NOW).etag


def test_lists_are_made_once_for_each_catalog() -> None:
    catalog = build_catalog(settings_of(MODELS), configured("p"))
    assert model_lists(catalog) is model_lists(catalog)
    assert model_lists(build_catalog(settings_of(MODELS), configured("p"))) is not model_lists(catalog)


def test_clients_are_told_apart_by_headers() -> None:
    assert wants_anthropic_shape([(b"anthropic-version", b"2023-06-01")])
    assert not wants_anthropic_shape([(b"x-api-key", b"gw_live_x")])
    assert not wants_anthropic_shape([(b"authorization", b"Bearer x"), (b"accept", b"*/*")])
