"""The numbered acceptance cases of the model hub, against a started server: from the seeded twin, and from a hub."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.hub_server import CARD, HubServer, hub_server

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
TUNED = "acme/Llama-Tuned-8B"
PLUGINS = ["providers.*", "routers.*", "billing.*", "hub.*"]


class Asked:
    """A started gateway, and the hub behind it if there is one."""

    def __init__(self, gateway: GatewayProcess, client: httpx.Client) -> None:
        self.gateway, self.client = gateway, client

    def get(self, path: str, **query: Any) -> httpx.Response:
        return self.client.get(f"/v1/huggingface{path}", params=query)

    def body(self, path: str, **query: Any) -> Any:
        reply = self.get(path, **query)
        assert reply.status_code == 200, reply.text
        return reply.json()


@pytest.fixture(scope="module")
def hub() -> Iterator[HubServer]:
    with hub_server() as server:
        yield server


def started(folder: Path, hub: dict[str, Any]) -> Iterator[Asked]:
    config = {"plugins": PLUGINS, "hub": hub, "providers": {"local": {"enabled": False}}}
    with (
        GatewayProcess(folder, config) as gateway,
        httpx.Client(base_url=gateway.base, timeout=20) as client,
    ):
        yield Asked(gateway, client)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    yield from started(tmp_path_factory.mktemp("seeded"), {"use": "seeded"})


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory, hub: HubServer) -> Iterator[Asked]:
    settings = {"use": "huggingface", "base_url": hub.url, "fresh_s": 0.001, "stale_s": 0.002, "pause_s": 0.001}
    yield from started(tmp_path_factory.mktemp("hub"), settings)


def test_4_5_1_discovery(seeded: Asked) -> None:
    shown = seeded.body("/discovery", limit=10)
    assert (len(shown["models"]), shown["count"], shown["source"]) == (10, 10, "seeded")
    likes = [model["likes"] for model in shown["models"]]
    assert likes == sorted(likes, reverse=True) and all(likes)
    page = seeded.body("/discovery", limit=3, offset=2, sort="downloads", task="text-generation")
    assert page["pagination"] == {"limit": 3, "offset": 2, "has_more": True, "next_offset": 5}
    assert {model["pipeline_tag"] for model in page["models"]} == {"text-generation"}


def test_4_5_2_search(seeded: Asked) -> None:
    shown = seeded.body("/search", q="llama", limit=5)
    assert (shown["query"], shown["count"]) == ("llama", 5)
    assert all("llama" in model["id"].lower() for model in shown["models"])
    assert seeded.body("/search", q="no such model anywhere")["models"] == []
    assert seeded.get("/search").status_code == 422
    assert seeded.get("/search", q="x", limit=101).status_code == 422


def test_4_5_3_author(seeded: Asked) -> None:
    shown = seeded.body("/author/meta-llama/models")
    assert shown["author"] == "meta-llama" and shown["count"] == len(shown["models"]) > 5
    assert {model["author"] for model in shown["models"]} == {"meta-llama"}


def test_4_5_4_details(seeded: Asked) -> None:
    shown = seeded.body(f"/models/{LLAMA}/details")
    assert shown["model"]["id"] == LLAMA
    assert (shown["downloads"], shown["likes"], shown["parameters"]) == (9393633, 5804, 8030261248)
    metrics = shown["model"]["huggingface_metrics"]
    assert (metrics["downloads"], metrics["likes"], metrics["num_parameters"]) == (9393633, 5804, 8030261248)
    assert seeded.get("/models/no/such/details").status_code == 404
    encoded = seeded.get(f"/models/{LLAMA.replace('/', '%2F')}/details")
    assert encoded.json()["model"]["id"] == LLAMA


def test_4_5_5_card(seeded: Asked) -> None:
    shown = seeded.body(f"/models/{LLAMA}/card")
    assert shown["model_id"] == LLAMA and "9,393,633" in shown["card"]
    assert seeded.get("/models/no/such/card").status_code == 404


def test_4_5_6_files(seeded: Asked) -> None:
    shown = seeded.body(f"/models/{LLAMA}/files")
    assert shown["model_id"] == LLAMA and shown["count"] == len(shown["files"]) == 17
    assert {"name", "size", "blob_id"} <= shown["files"][0].keys()
    unknown = seeded.body("/models/deepseek-ai/DeepSeek-R1/files")
    assert unknown["files"] == [] and "not recorded" in unknown["note"]
    assert seeded.get("/models/no/such/files").status_code == 404


def test_a_hub_is_asked_over_http(asked: Asked, hub: HubServer) -> None:
    hub.status = 200
    shown = asked.body(f"/models/{TUNED}/details")
    assert shown["source"] == "huggingface-hub"
    assert shown["model"]["huggingface_metrics"]["author_data"]["follower_count"] == 12
    assert shown["model"]["huggingface_metrics"]["available_inference_providers"] == ["groq", "together"]
    assert asked.body(f"/models/{TUNED}/card")["card"] == CARD
    assert [file["size"] for file in asked.body(f"/models/{TUNED}/files")["files"]] == [40, 16060556376]
    assert asked.body("/search", q="llama")["models"][0]["id"] == "acme/llama-small"
    assert asked.get("/models/acme/none/details").status_code == 404


def test_a_hub_that_is_down_empties_lists_and_refuses_the_rest(asked: Asked, hub: HubServer) -> None:
    hub.status = 500
    try:
        for path, query in (("/discovery", {}), ("/search", {"q": "lla"}), ("/author/acme/models", {})):
            shown = asked.body(path, **query)
            assert shown["models"] == [] and shown["count"] == 0 and "cannot be reached" in shown["note"]
        for what in ("details", "card", "files"):
            reply = asked.get(f"/models/{TUNED}/{what}")
            assert (reply.status_code, reply.json()["error"]["code"]) == (503, "HUB_UNREACHABLE")
            assert reply.headers["retry-after"]
    finally:
        hub.status = 200
