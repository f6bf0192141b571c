"""Cases 3.4.1 to 3.4.8, 6.1 to 6.5 and 7.1 to 7.5: routers that choose a model, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import msgspec
import openai
import pytest
import yaml

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("routers")
ROUTERS = yaml.safe_load((Path(__file__).parents[2] / "config/routers.yaml").read_text())
BLUE = "Summarise why the sky is blue in one sentence."
LIST = "Write a Python function that reverses a linked list."
BUG = "Fix the bug: this function raises an IndexError on empty input"
MODELS: dict[str, dict[str, Any]] = {
    "openai/gpt-4o": {"price": {"input": 2.5, "output": 10}, "offers": {"north": {}, "west": {}}},
    "openai/gpt-4o-mini": {"price": {"input": 0.15, "output": 0.6}, "offers": {"north": {}}},
    "anthropic/claude-sonnet-4": {"price": {"input": 3, "output": 15}, "offers": {"south": {}}},
    "anthropic/claude-3.5-haiku": {"price": {"input": 0.8, "output": 4}, "offers": {"south": {}}},
    "anthropic/claude-3.5-sonnet": {"price": {"input": 3, "output": 15}, "offers": {"south": {}}},
    "meta-llama/llama-3.3-70b-instruct": {"price": {"input": 0.6, "output": 0.8}, "offers": {"west": {}}},
}


class Stage:
    """A gateway over three stub providers, and a client with a key."""

    def __init__(self, gateway: GatewayProcess, stubs: dict[str, StubUpstream]) -> None:
        self.gateway = gateway
        self.stubs = stubs
        self.key = gateway.create_user("router@example.com", "--credits", "5")
        self.client = httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {self.key}"}, timeout=20)

    def chat(self, model: str, text: str = BLUE, **body: Any) -> httpx.Response:
        messages = [{"role": "user", "content": text}]
        return self.client.post(
            "/v1/chat/completions", json={"model": model, "messages": messages, "max_tokens": 64, **body}
        )

    def stats(self, router: str) -> dict[str, Any]:
        stats: dict[str, Any] = httpx.get(f"{self.gateway.base}/{router}-router/stats").json()["stats"]
        return stats

    def reset(self) -> None:
        for stub in self.stubs.values():
            stub.recover()
            stub.seen.clear()
        self.client.post("/circuit-breakers/reset-all").raise_for_status()

    def seen(self) -> list[str]:
        return [seen.body["model"] for stub in self.stubs.values() for seen in stub.seen]


@pytest.fixture(scope="module")
def stage_of_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("routers")
    with stub_upstream() as first, stub_upstream() as second, stub_upstream() as third:
        stubs = {"north": first, "south": second, "west": third}
        config = {
            "plugins": ["providers.*", "routers.*", "billing.*"],
            "providers": {
                name: {"use": "openai_compatible", "base_url": stub.url, "api_key": "k"} for name, stub in stubs.items()
            },
            "models": {name: {"context_length": 100_000, **entry} for name, entry in MODELS.items()},
            "failover": {"retry_budget": {"min_per_s": 1000}},
            "billing": {"use": "credits"},
            "routers": {"default": {"use": "failover"}, **ROUTERS},
        }
        with GatewayProcess(folder, config) as gateway:
            stage = Stage(gateway, stubs)
            with stage.client:
                yield stage


@pytest.fixture
def stage(stage_of_module: Stage) -> Stage:
    stage_of_module.reset()
    return stage_of_module


@pytest.mark.parametrize("mode", ["balanced", "quality", "cost", "latency"])
def test_3_4_1_to_3_4_4_general_router(stage: Stage, mode: str) -> None:
    reply = stage.chat(f"router:general:{mode}")
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["model"] in MODELS
    assert stage.seen() == [body["model"]]
    assert body["choices"][0]["message"]["content"] == "pong"
    assert body["usage"]["total_tokens"] == 11
    assert body["gateway_usage"]["cost_usd"] > 0
    metadata = body["routing_metadata"]
    assert (metadata["router"], metadata["mode"], metadata["selected_model"]) == ("general", mode, body["model"])
    assert metadata["provider"] == body["gateway_usage"]["provider"] == reply.headers["x-provider"]
    assert 0 < metadata["confidence"] <= 1
    assert metadata["routing_latency_ms"] >= 0
    assert (metadata["fallback_used"], metadata["fallback_reason"]) == (False, None)
    assert reply.headers["x-model"] == body["model"]


def test_the_general_modes_cost_what_they_promise(stage: Stage) -> None:
    spent = {}
    for mode in ("cost", "balanced", "quality"):
        answers = [stage.chat(f"router:general:{mode}", text).json() for text in (BLUE, LIST, "hi", "Prove it.")]
        spent[mode] = sum(answer["gateway_usage"]["cost_usd"] for answer in answers)
    assert spent["cost"] <= spent["balanced"] <= spent["quality"]
    assert spent["cost"] < spent["quality"]


@pytest.mark.parametrize(
    ("mode", "tier", "model"),
    [
        ("auto", 3, "meta-llama/llama-3.3-70b-instruct"),
        ("quality", 2, "anthropic/claude-3.5-haiku"),
        ("price", 3, "meta-llama/llama-3.3-70b-instruct"),
        ("agentic", 1, "anthropic/claude-3.5-sonnet"),
    ],
)
def test_3_4_5_to_3_4_8_code_router(stage: Stage, mode: str, tier: int, model: str) -> None:
    reply = stage.chat(f"router:code:{mode}", LIST)
    assert reply.status_code == 200, reply.text
    body = reply.json()
    metadata = body["routing_metadata"]
    assert body["model"] == metadata["selected_model"] == model
    assert metadata["router_mode"] == f"code:{mode}"
    assert (metadata["task_category"], metadata["complexity"]) == ("code_generation", "medium")
    assert metadata["selected_tier"] == tier
    assert 0 < metadata["confidence"] <= 1
    assert set(metadata["savings"]) == {"claude_3_5_sonnet", "gpt_4o"}
    assert metadata["model_info"]["price_input"] == MODELS[model]["price"]["input"]
    assert metadata["routing_latency_ms"] >= 0


@pytest.mark.parametrize(
    "name", ["router:general", "gatewayz-general", "gatewayz-general-balanced", "router", "router:medium"]
)
def test_other_names_of_a_router(stage: Stage, name: str) -> None:
    body = stage.chat(name).json()
    assert body["routing_metadata"]["mode"] == "balanced"
    assert body["model"] in MODELS


def test_a_stream_ends_with_the_metadata(stage: Stage) -> None:
    text = stage.chat("router:code:price", LIST, stream=True).text
    events = [line[6:] for line in text.split("\n") if line.startswith("data: ")]
    assert events[-1] == "[DONE]"
    chunks = [msgspec.json.decode(event) for event in events[:-1]]
    assert {chunk["model"] for chunk in chunks} == {"meta-llama/llama-3.3-70b-instruct"}
    assert chunks[-1]["routing_metadata"]["router_mode"] == "code:price"
    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]) == "pong"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/messages", {"max_tokens": 16, "messages": [{"role": "user", "content": BLUE}]}),
        ("/v1/responses", {"input": BLUE}),
        ("/v1/completions", {"prompt": BLUE}),
    ],
)
def test_streams_of_other_formats_end_with_the_metadata_too(stage: Stage, path: str, body: dict[str, Any]) -> None:
    full = {"model": "router:general:cost", "stream": True, **body}
    text = stage.client.post(path, json=full).text
    events = [msgspec.json.decode(line[6:]) for line in text.split("\n") if line.startswith("data: {")]
    told = [
        members["routing_metadata"]
        for event in events
        for members in (event, event.get("response") or {})
        if "routing_metadata" in members
    ]
    assert len(told) == 1, text
    assert told[0]["selected_model"] in MODELS
    assert told[0]["mode"] == "cost"


def test_official_clients_can_name_a_router(stage: Stage) -> None:
    name = "router:general:cost"
    with openai.OpenAI(api_key=stage.key, base_url=f"{stage.gateway.base}/v1") as client:
        chat = client.chat.completions.create(model=name, messages=[{"role": "user", "content": BLUE}])
        assert chat.model in MODELS
        assert client.responses.create(model=name, input=BLUE).model in MODELS
    with anthropic.Anthropic(api_key=stage.key, base_url=stage.gateway.base) as messages:
        message = messages.messages.create(model=name, max_tokens=32, messages=[{"role": "user", "content": BLUE}])
    assert message.model in MODELS
    assert (message.model_extra or {})["routing_metadata"]["mode"] == "cost"


def test_tokens_are_counted_for_a_router_too(stage: Stage) -> None:
    messages = [{"role": "user", "content": BLUE}]
    for model in ("router:general", "gatewayz-code-price"):
        reply = stage.client.post("/v1/messages/count_tokens", json={"model": model, "messages": messages})
        assert reply.status_code == 200, reply.text
        assert reply.json()["input_tokens"] > 5


def test_another_model_answers_when_the_chosen_one_fails(stage: Stage) -> None:
    chosen = stage.chat("router:general:quality").json()
    stage.stubs[chosen["gateway_usage"]["provider"]].fail(500)
    body = stage.chat("router:general:quality").json()
    metadata = body["routing_metadata"]
    assert body["model"] == metadata["selected_model"] != chosen["model"]
    assert metadata["first_choice"] == chosen["model"]
    assert (metadata["fallback_used"], metadata["fallback_reason"]) == (True, "model_unavailable")


def test_a_provider_and_a_price_may_be_demanded(stage: Stage) -> None:
    assert stage.chat("router:general:quality", provider="north").json()["gateway_usage"]["provider"] == "north"
    capped = stage.chat("router:general:quality", max_price={"prompt": 0.2, "completion": 1}).json()
    assert capped["model"] == "openai/gpt-4o-mini"
    assert all("max_price" not in seen.body for stub in stage.stubs.values() for seen in stub.seen)


def test_an_unknown_mode_is_400_and_names_the_modes(stage: Stage) -> None:
    for model, modes in (
        ("router:general:best", "balanced, quality, cost, latency"),
        ("router:code:best", "auto, price"),
    ):
        reply = stage.chat(model)
        assert reply.status_code == 400
        assert modes in reply.json()["error"]["message"]
    assert stage.seen() == []


def test_nothing_eligible_is_503_and_names_the_constraint(stage: Stage) -> None:
    sound = {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, sound]}]
    reply = stage.chat("router:general", messages=messages)
    assert reply.status_code == 503
    assert "no audio_input" in reply.json()["error"]["message"]
    long = stage.chat("router:general", "word " * 120_000)
    assert long.status_code == 503
    assert "context below" in long.json()["error"]["message"]
    assert stage.seen() == []


def test_who_cannot_pay_for_the_chosen_models_is_told_before_any_call(stage: Stage) -> None:
    key = stage.gateway.create_user("poor@example.com", "--credits", "0.000001")
    body = {"model": "router:general:quality", "messages": [{"role": "user", "content": BLUE}]}
    reply = httpx.post(
        f"{stage.gateway.base}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
    )
    assert reply.status_code == 402
    assert stage.seen() == []


def test_a_conversation_keeps_its_model(stage: Stage) -> None:
    begun = stage.chat("router:general:balanced", LIST).json()
    messages = [
        {"role": "user", "content": LIST},
        {"role": "assistant", "content": "pong"},
        {"role": "user", "content": "thanks"},
    ]
    assert stage.chat("router:general:balanced", messages=messages).json()["model"] == begun["model"]


def test_6_1_code_router_options(stage: Stage) -> None:
    body = httpx.get(f"{stage.gateway.base}/code-router/settings/options").json()
    assert body["success"] is True
    assert set(body["options"]) == {
        "use_code_router",
        "optimization_mode",
        "manual_model",
        "show_routing_info",
        "show_savings",
    }
    assert body["options"]["optimization_mode"]["options"] == ["balanced", "price", "quality", "agentic"]
    assert body["options"]["manual_model"]["default"] == "anthropic/claude-sonnet-4"
    assert [mode["value"] for mode in body["modes"]] == ["balanced", "price", "quality", "agentic"]
    assert all(mode["label"] and mode["description"] for mode in body["modes"])


def test_6_2_code_router_tiers(stage: Stage) -> None:
    body = httpx.get(f"{stage.gateway.base}/code-router/tiers").json()
    assert [len(body["tiers"][tier]["models"]) for tier in "1234"] == [3, 4, 3, 3]
    o1 = body["tiers"]["1"]["models"][0]
    assert (o1["id"], o1["swe_bench"], o1["human_eval"]) == ("openai/o1", 48.9, 94.4)
    assert (o1["price_input"], o1["price_output"], o1["context_length"]) == (15, 60, 200_000)
    assert o1["source"] and o1["date"]
    assert body["fallback_model"]["id"] == "zai/glm-4.7"
    assert set(body["baselines"]) == {"claude_3_5_sonnet", "gpt_4o"}


def test_6_3_and_7_4_stats_count_real_decisions(stage: Stage) -> None:
    before = stage.stats("code"), stage.stats("general")
    stage.chat("router:code:price", LIST)
    model = stage.chat("router:general:cost").json()["model"]
    httpx.post(f"{stage.gateway.base}/code-router/test", json={"prompt": BUG})
    code, general = stage.stats("code"), stage.stats("general")
    assert (code["tiers_loaded"], code["models_available"], code["fallback_model"]) == (4, 13, "zai/glm-4.7")
    assert code["total_requests"] == before[0]["total_requests"] + 1
    assert code["requests_by_mode"]["price"] == before[0].get("requests_by_mode", {}).get("price", 0) + 1
    assert code["requests_by_tier"]["3"] >= 1
    assert general["total_requests"] == before[1]["total_requests"] + 1
    assert general["requests_by_model"][model] >= 1
    assert general["notdiamond_enabled"] is False
    assert set(general["fallback_models"]) == {"balanced", "quality", "cost", "latency"}


def test_6_4_code_router_test(stage: Stage) -> None:
    reply = httpx.post(f"{stage.gateway.base}/code-router/test", json={"prompt": BUG, "mode": "auto"})
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert (body["task_category"], body["tier"]) == ("debugging", 2)
    assert (body["model_id"], body["provider"]) == ("anthropic/claude-3.5-haiku", "south")
    assert body["savings_estimate"]["claude_3_5_sonnet"]["savings_usd"] > 0
    assert body["model_info"]["swe_bench"] == 40.6
    assert body["model_id"] in body["rationale"]
    assert 0 <= body["need"] <= 1
    assert sum(body["domains"].values()) == pytest.approx(1, abs=0.01)
    assert {each["available"] for each in body["candidates"]} == {True, False}
    assert stage.seen() == []
    context = {"file_count": 5, "has_error_trace": False, "conversation_length": 1}
    hinted = httpx.post(f"{stage.gateway.base}/code-router/test", json={"prompt": "go on", "context": context}).json()
    assert hinted["task_category"] == "architecture"


def test_6_4_bad_input_is_422(stage: Stage) -> None:
    for body in ({"prompt": ""}, {"prompt": BUG, "mode": "best"}, {}, {"prompt": BUG, "context": {"file_count": -1}}):
        reply = httpx.post(f"{stage.gateway.base}/code-router/test", json=body)
        assert reply.status_code == 422, reply.text


@pytest.mark.parametrize(
    ("settings", "valid", "model_string"),
    [
        ({"use_code_router": True, "optimization_mode": "price", "manual_model": None}, True, "router:code:price"),
        ({"use_code_router": True, "optimization_mode": "balanced"}, True, "router:code:auto"),
        ({"use_code_router": True, "optimization_mode": "best"}, False, None),
        ({"use_code_router": False, "manual_model": "openai/gpt-4o"}, True, "openai/gpt-4o"),
        ({"use_code_router": False}, False, None),
        ({"use_code_router": False, "manual_model": "no/such-model"}, False, None),
    ],
)
def test_6_5_code_router_settings(
    stage: Stage, settings: dict[str, Any], valid: bool, model_string: str | None
) -> None:
    body = httpx.post(f"{stage.gateway.base}/code-router/settings/validate", json=settings).json()
    assert (body["valid"], body["model_string"]) == (valid, model_string), body
    assert bool(body["errors"]) is not valid
    assert isinstance(body["warnings"], list)
    if model_string:
        assert stage.chat(model_string, LIST).status_code == 200


def test_7_1_general_router_options(stage: Stage) -> None:
    body = httpx.get(f"{stage.gateway.base}/general-router/settings/options").json()
    modes = ["balanced", "quality", "cost", "latency"]
    assert body["options"]["optimization_mode"]["options"] == modes
    assert body["options"]["use_general_router"]["default"] is True
    assert [mode["value"] for mode in body["modes"]] == modes
    assert body["syntax"]["primary"] == "router:general:<mode>"
    assert all(len(body["model_pools"][mode]) == 12 for mode in modes)
    for name in body["syntax"]["examples"] + body["syntax"]["aliases"]:
        assert stage.chat(name).status_code == 200, name


def test_7_2_general_router_models(stage: Stage) -> None:
    body = httpx.get(f"{stage.gateway.base}/general-router/models").json()
    assert (body["success"], body["total"], len(body["models"])) == (True, 12, 12)
    assert body["models"][0]["notdiamond_id"] == "gpt-4o"
    assert body["models"][0]["available_on"] == ["openrouter"]


def test_7_3_general_router_fallbacks(stage: Stage) -> None:
    body = httpx.get(f"{stage.gateway.base}/general-router/fallback-models").json()
    assert body["fallback_models"] == {
        "balanced": "anthropic/claude-sonnet-4",
        "quality": "openai/gpt-4o",
        "cost": "openai/gpt-4o-mini",
        "latency": "groq/llama-3.3-70b-versatile",
    }
    assert body["fallback_chains"]["cost"][1:] == ["deepseek/deepseek-chat", "meta-llama/llama-3.3-70b-instruct"]


def test_7_5_general_router_test(stage: Stage) -> None:
    messages = [{"role": "user", "content": "Summarise this article in three bullets."}]
    reply = httpx.post(f"{stage.gateway.base}/general-router/test", json={"messages": messages, "mode": "balanced"})
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert body["model_id"] in MODELS
    assert (body["mode"], body["fallback_used"], body["fallback_reason"]) == ("balanced", False, None)
    assert body["provider"] in stage.stubs
    assert body["routing_latency_ms"] >= 0
    assert 0 <= body["need"] <= 1
    assert body["domain"] in body["domains"]
    assert len(body["candidates"]) == 12
    chosen = body["candidates"][0]
    assert f"{chosen['model_id']} (quality {chosen['expected_quality']:.3f})" in body["reasoning"]
    assert [each["model_id"] for each in body["candidates"] if each["available"]] == [
        each["model_id"] for each in body["candidates"] if each["model_id"] in MODELS
    ]
    assert stage.seen() == []
    same = httpx.post(f"{stage.gateway.base}/general-router/test", json={"prompt": messages[0]["content"]}).json()
    assert same["model_id"] == body["model_id"]


def test_7_5_bad_input_is_422(stage: Stage) -> None:
    for body in ({"prompt": "x", "mode": "best"}, {}, {"messages": [{"role": "assistant", "content": "x"}]}):
        reply = httpx.post(f"{stage.gateway.base}/general-router/test", json=body)
        assert reply.status_code == 422, reply.text


def test_without_any_model_of_the_pools_what_is_served_answers(tmp_path: Path) -> None:
    config: dict[str, Any] = {
        "providers": {"echo": {"use": "echo"}},
        "models": {"acme/echo": {"price": {"input": 0, "output": 0}, "context_length": 8192, "offers": {"echo": {}}}},
        "routers": {"default": {"use": "failover"}, **ROUTERS},
    }
    with GatewayProcess(tmp_path, config) as gateway:
        key = gateway.create_user()
        for name in ("router:general:quality", "router:code:agentic"):
            body = {"model": name, "messages": [{"role": "user", "content": BLUE}], "max_tokens": 16}
            answered = httpx.post(
                f"{gateway.base}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {key}"}
            ).json()
            assert answered["model"] == "acme/echo"
            metadata = answered["routing_metadata"]
            assert (metadata["fallback_used"], metadata["fallback_reason"]) == (True, "model_unavailable")
        for page, asked in (("general", {"prompt": BLUE}), ("code", {"prompt": BUG})):
            shown = httpx.post(f"{gateway.base}/{page}-router/test", json=asked).json()
            assert shown["model_id"] != "acme/echo"
            assert not any(each["available"] for each in shown["candidates"])
