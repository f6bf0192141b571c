"""Cases 4.1.* and 25.11: the model lists of a started gateway, with traffic and an outage."""

import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("catalog")

FREE = "google/gemma-2-9b-it:free"
MODEL_FIELDS = """id object created owned_by name provider_slug source_gateway context_length pricing description
modality is_active health_status average_response_time_ms provider_site_url model_logo_url supports_streaming
supports_function_calling supports_vision benchmark_scores metadata"""


@dataclass
class Live:
    base: str
    key: str
    client: httpx.Client
    near: StubUpstream

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        reply = self.client.get(path, params=params)
        assert reply.status_code == status, reply.text
        return reply.json()

    def ask(self, model: str) -> int:
        sent = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
        return self.client.post("/v1/chat/completions", json=sent).status_code


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    price = {"input": "1", "output": "2", "source": "operator", "date": "2026-11-25"}
    private = {"name": "Whisperer", "price": price, "offers": {"near": {}}, "description": "Keeps secrets of llamas."}
    both = {"price": price, "offers": {"near": {"price": {"input": "0.5", "output": "1"}}, "openrouter": {}}}
    with stub_upstream() as stub, stub_upstream() as near:
        config = {
            "plugins": ["providers.*", "routers.*", "billing.*", "hub.seeded"],
            "hub": {"use": "seeded"},
            "providers": {
                **{name: {"base_url": stub.url, "api_key": "sk-x"} for name in ("openai", "openrouter", "fireworks")},
                "near": {"base_url": near.url, "api_key": "sk-near"},
                "local": {"enabled": False},
            },
            "models": {"near/whisperer": private, "test/both": both},
        }
        with GatewayProcess(tmp_path_factory.mktemp("catalog"), config) as gateway:
            key = gateway.create_user()
            headers = {"authorization": f"Bearer {key}"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield Live(gateway.base, key, client, near)


def wait_for(seen: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not seen():
        assert time.monotonic() < until, "it was never seen"
        time.sleep(0.2)


def test_4_1_1_every_field_of_every_model(live: Live) -> None:
    page = live.get("/v1/models", limit=50)
    assert page["object"] == "list" and page["returned"] == len(page["data"]) == 50
    assert page["total"] > 50 and page["has_more"] and page["next_offset"] == 50
    assert all(set(model) >= set(MODEL_FIELDS.split()) for model in page["data"])
    scores = live.get("/v1/models/openai/gpt-4o")["benchmark_scores"]
    assert 0 < scores["humaneval"] <= 100 and 0 < scores["swe_bench"] <= 100, "of both routers"
    assert live.get("/v1/models/test/both")["benchmark_scores"] is None
    rest = live.get("/v1/models", limit=10_000, offset=50)
    assert not rest["has_more"] and rest["returned"] == page["total"] - 50
    assert httpx.get(f"{live.base}/v1/models").status_code == 200, "no key is needed"
    assert live.get("/models", limit=50)["data"] == page["data"]
    assert live.get("/v1/models", 400, limit=0)["error"]["param"] == "limit"


def test_4_1_2_filters_filter(live: Live) -> None:
    for provider in ("fireworks", "openrouter"):
        page = live.get("/v1/models", provider=provider, limit=1000)
        assert page["total"] and {model["provider_slug"] for model in page["data"]} == {provider}
    made = live.get("/v1/models", provider="meta-llama", limit=1000)["data"]
    assert made and {model["id"].partition("/")[0] for model in made} == {"meta-llama"}
    private = live.get("/v1/models", is_private="true", limit=1000)["data"]
    assert {model["id"] for model in private if model["provider_slug"] == "near"} >= {"near/whisperer", "test/both"}
    assert {model["provider_slug"] for model in private} == {"near"} and all(each["is_private"] for each in private)
    assert (
        live.get("/v1/models", gateway="fireworks-ai", limit=1)["total"]
        == live.get("/v1/models", gateway="fireworks")["total"]
    )
    assert live.get("/v1/models", gateway="google")["total"] == 0, "known, not configured"
    refused = live.get("/v1/models", 400, gateway="nowhere")["error"]
    assert refused["param"] == "gateway" and {"all", "openai", "hug", "groq"} & set(
        refused["context"]["allowed_values"]
    )
    assert live.get("/v1/models", 400, is_private="maybe")["error"]["param"] == "is_private"


def test_4_1_2_each_model_once_or_once_for_each_gateway(live: Live) -> None:
    once = [model["id"] for model in live.get("/v1/models", limit=10_000)["data"]]
    assert len(once) == len(set(once))
    entries = [
        (model["id"], model["provider_slug"])
        for model in live.get("/v1/models", limit=10_000, unique_models="false")["data"]
    ]
    assert len(entries) == len(set(entries)) > len(once) and {model_id for model_id, _ in entries} == set(once)


def test_4_1_3_unique_models_with_their_gateways(live: Live) -> None:
    page = live.get("/v1/models/unique", limit=1000)
    ids = [model["id"] for model in page["models"]]
    assert len(ids) == len(set(ids)) and page["total"] == live.get("/v1/models")["total"]
    both = next(model for model in page["models"] if model["id"] == "test/both")
    assert both["provider_count"] == 2 and both["cheapest_provider"] == "near"
    assert both["cheapest_prompt_price"] == "0.0000005" and {each["slug"] for each in both["providers"]} == {
        "near",
        "openrouter",
    }
    several = live.get("/v1/models/unique", min_providers=2, sort_by="name", order="asc", limit=1000)["models"]
    names = [model["name"].lower() for model in several]
    assert names == sorted(names) and all(model["provider_count"] >= 2 for model in several)
    cheapest = live.get("/v1/models/unique", sort_by="cheapest_price", order="asc", limit=1000)["models"]
    prices = [float(model["cheapest_prompt_price"]) for model in cheapest]
    assert prices == sorted(prices)
    inactive = live.get("/v1/models/unique", include_inactive="true", limit=1000, offset=page["total"])["models"]
    assert inactive and not any(model["is_active"] for model in inactive)
    live.get("/v1/models/unique", 422, limit=1001)


def test_4_1_4_search_ranks_filters_and_sorts(live: Live) -> None:
    found = live.get("/v1/models/search", q="LLAMA", limit=100)
    assert found["success"] and found["meta"]["returned"] == len(found["data"]) > 5
    assert "near/whisperer" in [model["id"] for model in live.get("/v1/models/search", q="secrets of")["data"]]
    assert live.get("/v1/models/search", q="gpt-4o")["data"][0]["id"] == "openai/gpt-4o"
    assert live.get("/v1/models/search", q="no such thing at all")["data"] == []
    vision = live.get("/v1/models/search", modality="image", min_context=100_000, limit=100)["data"]
    assert vision and all("image" in model["modality"] and model["context_length"] >= 100_000 for model in vision)
    cheap = live.get("/v1/models/search", max_price=0.0000002, min_price=0.00000001, sort_by="price", limit=100)["data"]
    prices = [float(model["pricing"]["prompt"]) for model in cheap]
    assert prices == sorted(prices) and prices[0] >= 0.00000001 and prices[-1] <= 0.0000002
    longest = live.get("/v1/models/search", gateway="openai", sort_by="context")["data"]
    contexts = [model["context_length"] for model in longest]
    assert contexts == sorted(contexts, reverse=True) and {each["provider_slug"] for each in longest} == {"openai"}
    for order in ("asc", "desc"):  # what is unknown comes last, whatever the order
        found = live.get("/v1/models/search", sort_by="context", order=order, limit=100, offset=0)["data"]
        known = [model["context_length"] for model in found if model["context_length"] is not None]
        assert known and known == sorted(known, reverse=order == "desc")
        assert [model["context_length"] for model in found][: len(known)] == known
    assert live.get("/v1/models/search", is_private="true", q="whisper")["meta"]["total"] == 1
    for wrong in ({"limit": 101}, {"sort_by": "luck"}, {"min_price": -1}):
        live.get("/v1/models/search", 422, **wrong)
    for bound in ("min_price", "max_price"):
        for endless in ("inf", "nan", "1e400"):
            assert live.get("/v1/models/search", 422, **{bound: endless})["error"]["param"] == bound
        live.get("/v1/models/search", 200, **{bound: "1e308"})
    live.get("/v1/models/search", 400, gateway="nowhere")


def test_4_1_5_and_4_1_6_traffic_trends_and_is_timed(live: Live) -> None:
    assert live.get("/v1/models/trending", gateway="fireworks")["data"] == []
    for _ in range(3):
        assert live.ask("openai/gpt-4o") == 200
    assert live.ask("openai/gpt-4o-mini") == 200
    wait_for(lambda: len(live.get("/v1/models/trending", gateway="openai")["data"]) == 2)
    trend = live.get("/v1/models/trending", time_range="24h", limit=10, gateway="openai")
    first, second = trend["data"]
    assert (first["model"], first["requests"], first["unique_users"]) == ("openai/gpt-4o", 3, 1)
    assert first["total_tokens"] > second["total_tokens"] > 0 and first["total_cost"] > 0 and first["avg_speed"] > 0
    assert (trend["count"], trend["time_range"], trend["sort_by"]) == (2, "24h", "requests")
    live.get("/v1/models/trending", 422, time_range="2y")
    fast = live.get("/v1/models/low-latency")
    assert {"openai/gpt-4o", "openai/gpt-4o-mini"} <= set(fast["models"]) and fast["count"] == len(fast["models"])
    assert fast["provider_tiers"]["groq"]["tier"] == 1 and fast["provider_tiers"]["near"]["tier"] == 4
    assert any(
        each["provider"] == "openai" and each["average_response_time_ms"] > 0 for each in fast["providers_by_speed"]
    )
    assert fast["alternatives"] and not live.get("/v1/models/low-latency", include_alternatives="false")["alternatives"]


def test_4_1_7_one_model_by_any_name(live: Live) -> None:
    for path in ("/v1/models/openai/gpt-4o", "/v1/models/openai%2Fgpt-4o", "/v1/models/gpt-4o"):
        model = live.get(path)
        assert model["id"] == model["data"]["id"] == "openai/gpt-4o" and model["object"] == "model"
        assert (model["provider"], model["model"]) == ("openai", "gpt-4o")
    assert live.get("/v1/models/openai/gpt-4o", gateway="openrouter")["provider_slug"] == "openrouter"
    assert live.get(f"/v1/models/{FREE}")["id"] == FREE
    missing = live.get("/v1/models/openai/gpt-4oo", 404)["error"]
    assert "openai/gpt-4o" in missing["context"]["suggested_models"]
    live.get("/v1/models/openai/gpt-4o", 404, gateway="near")
    live.get("/v1/models/openai/gpt-4o", 400, gateway="nowhere")


def test_4_1_8_compare_recommends_the_cheapest(live: Live) -> None:
    whole = live.get("/v1/models/test/both/compare")
    assert whole["available_count"] == 2 and whole["total_gateways_checked"] == len(whole["comparisons"]) >= 33
    assert [each["gateway"] for each in whole["comparisons"] if each["available"]] == ["openrouter", "near"]
    assert whole["recommendation"]["gateway"] == "near"
    savings = whole["savings"]
    assert savings["potential_savings_per_1m_tokens"] == 0.75 and savings["savings_percentage"] == 50.0
    assert (savings["cheapest_gateway"], savings["most_expensive_gateway"]) == ("near", "openrouter")
    two = live.get("/v1/models/test/both/compare", gateways="openrouter,openai")
    assert [(each["gateway"], each["available"]) for each in two["comparisons"]] == [
        ("openrouter", True),
        ("openai", False),
    ]
    live.get("/v1/models/no/such/compare", 404)
    live.get("/v1/models/test/both/compare", 400, gateways="nowhere")


def test_4_1_9_a_makers_models(live: Live) -> None:
    page = live.get("/v1/models/meta-llama", limit=20)
    assert page["developer"] == "meta-llama" and page["count"] == len(page["models"]) > 0
    assert all(model["id"].startswith("meta-llama/") for model in page["models"])
    assert live.get("/v1/models/nobody-at-all")["models"] == []
    rich = live.get("/v1/models/meta-llama", include_huggingface="true")["models"]
    assert any((model["huggingface_metrics"] or {}).get("downloads") for model in rich)
    live.get("/v1/models", 400, provider="x" * 300)


def test_4_1_10_batch_compare(live: Live) -> None:
    body: dict[str, Any] = {"model_ids": ["test/both", "gpt-4o", "no/such"], "criteria": "price"}
    reply = live.client.post("/v1/models/batch-compare", json=body).json()
    both, bare, missing = reply["results"]
    assert [each["gateway"] for each in both["comparison"]] == ["near", "openrouter"] and both[
        "gateways_available"
    ] == 2
    assert "error" in bare and "error" in missing and reply["models_compared"] == 3
    query: dict[str, Any] = {"model_ids": ["test/both", "openai/gpt-4o"], "criteria": "context"}
    old = live.client.post("/v1/models/batch-compare", params=query).json()
    assert old["criteria"] == "context" and [each["model_id"] for each in old["results"]] == query["model_ids"]
    assert live.client.post("/v1/models/batch-compare", json={"model_ids": []}).status_code == 422
    strange = live.client.post("/v1/models/batch-compare", json={"model_ids": ["a/\0", "/", "test/both"]})
    assert strange.status_code == 200 and ["error" in each for each in strange.json()["results"]] == [True, True, False]
    assert live.client.post("/v1/models/batch-compare", json={**body, "criteria": "luck"}).status_code == 422


def test_4_1_11_detail(live: Live) -> None:
    wanted: list[dict[str, Any]] = [
        {"model_id": "test/both"},
        {"modelId": "test/both"},
        {"developer": "test", "modelName": "both"},
    ]
    for query in wanted:
        shown = live.get("/api/models/detail", **query)
        assert shown["data"]["id"] == "test/both" and "huggingface_metrics" in shown["data"]
        assert [each["slug"] for each in shown["providers"]] == ["openrouter", "near"], "the order to try"
        assert (shown["provider"], shown["model"]) == ("test", "both")
    llama = live.get("/api/models/detail", model_id="meta-llama/llama-3.3-70b-instruct")["data"]["huggingface_metrics"]
    assert llama["downloads"] > 0 and llama["likes"] > 0 and llama["author"] == "meta-llama"
    assert (
        "huggingface_metrics"
        not in live.get("/api/models/detail", model_id="test/both", include_huggingface="false")["data"]
    )
    live.get("/api/models/detail", 400)
    live.get("/api/models/detail", 404, model_id="no/such")


def test_4_1_1_and_4_1_7_with_figures_of_the_hub(live: Live) -> None:
    page = live.get("/v1/models", provider="meta-llama", include_huggingface="true", limit=100)
    figures = {model["id"]: model["huggingface_metrics"] for model in page["data"]}
    assert page["include_huggingface"] and figures["meta-llama/llama-3.3-70b-instruct"]["downloads"] > 0
    plain = live.get("/v1/models", provider="meta-llama", limit=100)
    assert not plain["include_huggingface"] and not any("huggingface_metrics" in model for model in plain["data"])
    live.get("/v1/models", 400, include_huggingface="true", limit=101)
    shown = live.get("/v1/models/test/both")
    assert shown["include_huggingface"] and shown["huggingface_metrics"] is None, "the hub has not got it"
    assert "huggingface_metrics" not in live.get("/v1/models/test/both", include_huggingface="false")


def test_4_1_12_every_model_has_a_price(live: Live) -> None:
    for model in live.get("/v1/models", limit=10_000)["data"]:
        prompt, completion = model["pricing"]["prompt"], model["pricing"]["completion"]
        assert float(prompt) >= 0 and float(completion) >= 0
        if not model["id"].endswith(":free"):
            other = model["pricing"].get("image") or model["pricing"].get("request")
            assert float(prompt) > 0 or float(completion) > 0 or other or model["modality"] != "text->text", model["id"]


def test_25_11_served_from_cache(live: Live) -> None:
    query: dict[str, Any] = {"limit": 1000, "provider": "openrouter"}
    wait_for(lambda: live.client.get("/v1/models", params=query).headers["x-cache"] == "HIT")
    plain = live.client.get("/v1/models", params=query, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with live.client.stream("GET", "/v1/models", params=query, headers={"accept-encoding": "gzip"}) as packed:
        assert packed.headers["content-encoding"] == "gzip"
        raw = b"".join(packed.iter_raw())
    assert gzip.decompress(raw) == plain.content and len(raw) * 5 < len(plain.content)
    refused = live.client.get("/v1/models", params=query, headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers
    etag = plain.headers["etag"]
    for known in (etag, f'"other", {etag}', etag.removeprefix("W/")):
        same = live.client.get("/v1/models", params=query, headers={"if-none-match": known})
        assert same.status_code == 304 and same.content == b"" and same.headers["etag"] == etag
    assert live.client.get("/v1/models", params=query, headers={"if-none-match": '"no"'}).status_code == 200


def test_an_outage_is_seen_in_the_list(live: Live) -> None:
    def shown() -> tuple[str, float | None]:
        model = live.get("/v1/models/near/whisperer")
        return model["health_status"], model["average_response_time_ms"]

    etag = live.client.get("/v1/models", params={"provider": "near"}).headers["etag"]
    assert shown() == ("unknown", None)
    assert live.ask("near/whisperer") == 200
    wait_for(lambda: shown()[0] == "healthy")
    milliseconds = shown()[1]
    assert milliseconds is not None and milliseconds > 0
    live.near.fail(500)
    for _ in range(3):
        assert live.ask("near/whisperer") >= 500
    wait_for(lambda: shown()[0] == "down")
    page = live.client.get("/v1/models", params={"provider": "near"}, headers={"if-none-match": etag})
    assert page.status_code == 200, "another state is another tag"
    states = {model["id"]: model["health_status"] for model in page.json()["data"]}
    assert states["near/whisperer"] == "down" and states["test/both"] == "unknown"


def test_sdks_still_read_the_lists(live: Live) -> None:
    with openai.OpenAI(base_url=f"{live.base}/v1", api_key=live.key, max_retries=0) as client:
        assert "openai/gpt-4o" in [model.id for model in client.models.list(extra_query={"limit": 10_000})]
        assert client.models.retrieve("openai/gpt-4o").owned_by == "openai"
        with pytest.raises(openai.NotFoundError):
            client.models.retrieve("no/such")
    with anthropic.Anthropic(base_url=live.base, api_key=live.key, max_retries=0) as other:
        assert other.models.retrieve("openai/gpt-4o").id == "openai/gpt-4o"
        assert next(iter(other.models.list(limit=5))).type == "model"
