"""Cases 4.2.*, 4.3.*, 4.4.*, 4.7.1: registry, providers, gateways, routers and leaderboard of a started gateway."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import stub_upstream

pytestmark = pytest.mark.xdist_group("gateways")


@dataclass
class Live:
    client: httpx.Client

    def get(self, path: str, status: int = 200, **params: Any) -> Any:
        reply = self.client.get(path, params=params)
        assert reply.status_code == status, reply.text
        return reply.json()


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A gateway after four requests of two users for two models at two providers, and three failures at a third."""
    with stub_upstream() as stub, stub_upstream() as broken:
        broken.fail(500)
        config = {
            "providers": {
                **{name: {"base_url": stub.url, "api_key": "sk-x"} for name in ("openai", "openrouter")},
                "fireworks": {"base_url": broken.url, "api_key": "sk-x"},
                "local": {"enabled": False},
            },
            "models": {"test/broken": {"price": {"input": "1", "output": "2"}, "offers": {"fireworks": {}}}},
        }
        with GatewayProcess(tmp_path_factory.mktemp("gateways"), config) as gateway:
            keys = [gateway.create_user("one@example.com"), gateway.create_user("two@example.com")]
            calls = [
                *(("openai/gpt-4o", key) for key in (*keys, keys[0])),
                ("meta-llama/llama-3.3-70b-instruct", keys[0]),
                *(("test/broken", keys[0]) for _ in range(3)),
            ]
            for model, key in calls:
                sent = {"model": model, "messages": [{"role": "user", "content": "hello"}]}
                headers = {"authorization": f"Bearer {key}"}
                if key == keys[0]:
                    headers |= {"http-referer": "https://chat.example/here?secret=1", "x-title": "Chat page"}
                reply = httpx.post(f"{gateway.base}/v1/chat/completions", json=sent, headers=headers)
                assert reply.is_success is (model != "test/broken"), reply.text
            with httpx.Client(base_url=gateway.base, timeout=20) as client:
                made = Live(client)
                until = time.monotonic() + 10
                while made.get("/v1/gateways/summary")["data"]["totals"]["total_requests"] < len(calls):
                    assert time.monotonic() < until, "the traffic is never seen"
                    time.sleep(0.1)
                yield made


def test_4_2_the_registry_is_the_own_catalog(live: Live) -> None:
    registry = live.get("/v1/modelz/models")
    assert registry["total_count"] == len(registry["models"])
    callable_ids = live.get("/v1/modelz/ids", is_graduated="true")
    assert callable_ids["total_count"] == live.get("/v1/models")["total"]
    left_out = live.get("/v1/modelz/ids", is_graduated="false")["model_ids"]
    assert left_out and not set(left_out) & set(callable_ids["model_ids"])
    assert registry["total_count"] == len(left_out) + callable_ids["total_count"]
    for name in ("openai/gpt-4o", "openai%2Fgpt-4o"):
        known = live.get(f"/v1/modelz/check/{name}")
        assert known["exists_on_modelz"] and known["model_details"]["model_id"] == "openai/gpt-4o"
    assert live.get("/v1/modelz/check/openai/gpt-4o", is_graduated="false")["exists_on_modelz"] is False
    unknown = live.get("/v1/modelz/check/no/such")
    assert unknown["exists_on_modelz"] is False and "model_details" not in unknown


def test_4_3_1_providers(live: Live) -> None:
    page = live.get("/v1/provider", limit=500)
    rows = {row["slug"]: row for row in page["data"]}
    assert page["total"] == page["returned"] == len(rows)
    assert rows["openai"]["name"] == "OpenAI" and rows["openai"]["site_url"] == "https://openai.com"
    for slug in ("openai", "openrouter", "meta-llama"):
        assert rows[slug]["model_count"] == live.get("/v1/models", provider=slug)["total"] > 0, slug
    assert (
        rows["meta-llama"]["source_gateway"] == "openrouter" and "openrouter" in rows["meta-llama"]["source_gateways"]
    )
    narrow = live.get("/v1/provider", gateway="fireworks", limit=500)["data"]
    assert "openai" not in {row["slug"] for row in narrow if row["model_count"]} and len(narrow) < len(rows)
    assert live.get("/v1/provider", moderated_only="true")["data"] == [], "what is not known is not claimed"
    live.get("/v1/provider", 422, limit=0)
    live.get("/v1/provider", 400, gateway="nowhere")


def test_4_3_2_provider_stats_come_from_traffic(live: Live) -> None:
    stats = live.get("/v1/provider/openai/stats", time_range="24h")["data"]
    assert (stats["total_requests"], stats["unique_users"], stats["unique_models"]) == (3, 2, 1)
    assert stats["top_model"] == "openai/gpt-4o" and stats["model_breakdown"][0]["requests"] == 3
    assert stats["avg_tokens_per_request"] == pytest.approx(stats["total_tokens"] / 3, abs=0.01)
    assert stats["total_cost"] > 0 and stats["avg_speed_tokens_per_sec"] > 0
    maker = live.get("/v1/provider/meta-llama/stats", time_range="all")["data"]
    assert (maker["total_requests"], maker["top_model"]) == (1, "meta-llama/llama-3.3-70b-instruct")
    assert live.get("/v1/provider/meta-llama/stats", gateway="openai")["data"]["total_requests"] == 0
    quiet = live.get("/v1/provider/anthropic/stats")["data"]
    assert (quiet["total_requests"], quiet["total_tokens"], quiet["total_cost"], quiet["top_model"]) == (0, 0, 0, None)
    live.get("/v1/provider/no-such-provider/stats", 404)
    live.get("/v1/provider/openai/stats", 422, time_range="1y")


def test_4_3_3_top_models(live: Live) -> None:
    top = live.get("/v1/provider/openai/top-models", limit=5)
    assert top["success"] and top["provider"] == "openai" and top["count"] == 1
    assert (top["data"][0]["model"], top["data"][0]["requests"]) == ("openai/gpt-4o", 3)
    live.get("/v1/provider/openai/top-models", 422, limit=21)


def test_4_3_4_routers(live: Live) -> None:
    routers = live.get("/v1/routers")
    assert routers["total"] == 2 and [each["id"] for each in routers["data"]] == ["general", "code"]
    general = routers["data"][0]
    assert {"balanced", "quality", "cost", "latency"} <= {mode["value"] for mode in general["modes"]}
    assert general["syntax"]["primary"] == "router:general:<mode>" and general["use_cases"]


def test_4_4_1_gateways(live: Live) -> None:
    page = live.get("/v1/gateways")
    assert page["total"] == len(page["data"]) == 33 and len(page["routers"]) == 2
    priorities = [each["priority"] for each in page["data"]]
    assert priorities == sorted(priorities), "fast ones first"
    for priority in ("fast", "slow"):
        names = [each["name"].lower() for each in page["data"] if each["priority"] == priority]
        assert names == sorted(names)
    google = next(each for each in page["data"] if each["id"] == "google-vertex")
    assert "google" in google["aliases"] and google["logo_url"] == "https://cloud.google.com/favicon.ico"


def test_4_4_2_statuses_tell_of_the_outage(live: Live) -> None:
    page = live.get("/v1/gateways/status")
    rows = {row["id"]: row for row in page["data"]}
    assert rows["fireworks"]["in_error_state"] and rows["fireworks"]["error_message"]
    assert not rows["openai"]["in_error_state"] and rows["openai"]["error_message"] is None
    assert rows["openai"]["model_count"] == live.get("/v1/models", gateway="openai")["total"]
    summary = page["summary"]
    assert summary["gateways_with_errors"] == 1 and summary["total_gateways"] == len(rows) >= 33
    assert summary["gateways_with_zero_models"] == sum(not row["model_count"] for row in page["data"])


def test_4_4_3_summary_covers_every_gateway(live: Live) -> None:
    data = live.get("/v1/gateways/summary", time_range="24h")["data"]
    assert len(data["gateways"]) >= 33 and data["time_range"] == "24h"
    assert data["gateways"]["openai"]["total_requests"] == 3 and data["gateways"]["openrouter"]["total_requests"] == 1
    assert (
        data["gateways"]["groq"]["total_requests"] == 0 and data["gateways"]["groq"]["avg_speed_tokens_per_sec"] is None
    )
    assert data["totals"]["unique_users"] == 2, "users of several gateways count once"
    assert data["totals"]["total_cost"] == pytest.approx(sum(each["total_cost"] for each in data["gateways"].values()))


def test_4_4_4_stats_of_one_gateway(live: Live) -> None:
    data = live.get("/v1/gateway/openrouter/stats", time_range="24h")["data"]
    assert (data["gateway"], data["total_requests"], data["top_provider"]) == ("openrouter", 1, "meta-llama")
    assert data["unique_providers"] == 1 and data["provider_breakdown"][0]["total_requests"] == 1
    assert live.get("/v1/gateway/hug/stats")["data"]["total_requests"] == 0, "every gateway is valid, by any name"
    refused = live.get("/v1/gateway/nowhere/stats", 400)["error"]
    assert "openrouter" in refused["context"]["allowed_values"]


def test_4_7_1_leaderboard(live: Live) -> None:
    board = live.get("/ranking/models", limit=20)
    assert board["success"] and board["count"] == len(board["data"])
    assert [row["rank"] for row in board["data"]] == list(range(1, board["count"] + 1))
    first = board["data"][0]
    assert (first["id"], first["author"], first["trend_direction"]) == ("openai/gpt-4o", "openai", "up")
    assert (
        first["total_tokens"] > board["data"][1]["total_tokens"] and live.get(first["model_url"])["id"] == first["id"]
    )
    assert [row["rank"] for row in live.get("/ranking/models", limit=1, offset=1)["data"]] == [2]
    apps = live.get("/ranking/apps")["data"]
    assert [(app["rank"], app["app_name"], app["app_url"], app["requests"]) for app in apps] == [
        (1, "Chat page", "https://chat.example", 3)
    ]
    assert apps[0]["total_tokens"] > 0 and apps[0]["trend_percentage"] == "new"
    live.get("/ranking/models", 422, limit=0)
