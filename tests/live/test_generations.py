"""`GET /v1/generation`: what became of a call, and why, as its caller sees it."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("observation")
MODEL = "acme/stub"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Reply with the single word pong."}], "max_tokens": 9}
INPUT, OUTPUT = 1_000_000, 2_000_000
"""Nano-dollars per million tokens of the configured price, a tenth of a cent and two."""
SOON_S = 10.0


class Running(NamedTuple):
    gateway: GatewayProcess
    first: StubUpstream
    second: StubUpstream
    client: httpx.Client

    def ask(self, **more: Any) -> httpx.Response:
        return self.client.post("/v1/chat/completions", json=BODY | more)

    def find(self, call: httpx.Response, **headers: str) -> httpx.Response:
        """Return the receipt of a call as soon as it is there."""
        end = time.monotonic() + SOON_S
        while True:
            path = "/v1/generation"
            answer = self.client.get(path, params={"id": call.headers["x-request-id"]}, headers=headers)
            if answer.status_code != 404 or time.monotonic() > end:
                return answer
            time.sleep(0.05)

    def receipt(self, call: httpx.Response) -> dict[str, Any]:
        answer = self.find(call)
        assert answer.status_code == 200, answer.text
        data: dict[str, Any] = answer.json()["data"]
        return data


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with stub_upstream() as first, stub_upstream() as second:
        config: dict[str, Any] = {
            "providers": {
                "first": {"use": "openai_compatible", "base_url": first.url, "api_key": "k"},
                "second": {"use": "openai_compatible", "base_url": second.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "0.001", "output": "0.002"}, "offers": {"first": {}, "second": {}}}},
            "billing": {"use": "credits"},
        }
        with GatewayProcess(tmp_path_factory.mktemp("generations"), config) as gateway:
            key = gateway.create_user("caller@example.com", "--credits", "5")
            headers = {"authorization": f"Bearer {key}"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield Running(gateway, first, second, client)


def test_a_call_that_went_well(running: Running) -> None:
    call = running.ask()
    assert call.status_code == 200
    told = running.receipt(call)
    assert told["id"] == call.headers["x-request-id"]
    assert (told["model"], told["provider_name"], told["requested_model"]) == (MODEL, "first", MODEL)
    assert (told["tokens_prompt"], told["tokens_completion"], told["usage_source"]) == (9, 2, "provider")
    assert told["rates"] == {"input": INPUT, "output": OUTPUT}
    assert told["total_cost"] == told["provider_cost"] == call.json()["gateway_usage"]["cost_usd"] > 0
    assert (told["status"], told["streamed"], told["cancelled"], told["api_type"]) == (200, False, False, "openai_chat")
    assert [(each["provider"], each["outcome"]) for each in told["attempts"]] == [("first", "success")]
    assert [(each["provider"], each["fate"]) for each in told["candidates"]] == [
        ("first", "tried"),
        ("second", "not_tried"),
    ]
    assert told["reason"]
    assert 0 <= told["attempts"][0]["duration_ms"] <= told["generation_time"]


def test_the_ledger_ids_are_those_of_the_ledger(running: Running) -> None:
    told = running.receipt(running.ask())
    entries = running.client.get("/user/credit-transactions", params={"limit": 1}).json()["transactions"]
    assert told["ledger"]["entry"] == str(entries[0]["id"])
    assert entries[0]["metadata"]["request_id"] == told["id"]


def test_a_call_that_failed_over(running: Running) -> None:
    running.first.fail(500)
    call = running.ask(stream=True)
    running.first.recover()
    assert call.status_code == 200 and call.text.rstrip().endswith("[DONE]")
    told = running.receipt(call)
    assert (told["provider_name"], told["streamed"]) == ("second", True)
    assert [(each["provider"], each["outcome"], each["status"]) for each in told["attempts"]] == [
        ("first", "fault", 500),
        ("second", "success", None),
    ]
    assert [each["fate"] for each in told["candidates"]] == ["tried", "tried"]
    assert told["latency"] is not None and told["latency"] <= told["generation_time"]


def test_a_call_that_nobody_answered_costs_nothing(running: Running) -> None:
    running.first.fail(500)
    running.second.fail(500)
    call = running.ask()
    running.first.recover()
    running.second.recover()
    assert call.status_code == 502
    told = running.receipt(call)
    assert (told["status"], told["error_code"], told["total_cost"]) == (502, "ALL_PROVIDERS_FAILED", 0)
    assert told["usage_source"] is None and told["provider_cost"] is None and told["rates"] == {}
    assert [each["outcome"] for each in told["attempts"]] == ["fault", "fault"]


def test_calls_of_others_are_not_there(running: Running) -> None:
    call = running.ask()
    assert running.find(call).status_code == 200
    other = {"authorization": f"Bearer {running.gateway.create_user('other@example.com')}"}
    answer = httpx.get(
        f"{running.gateway.base}/v1/generation", params={"id": call.headers["x-request-id"]}, headers=other
    )
    assert answer.status_code == 404
    assert httpx.get(f"{running.gateway.base}/v1/generation", params={"id": "none"}, headers=other).status_code == 404
    assert httpx.get(f"{running.gateway.base}/v1/generation", headers=other).status_code == 422
    assert httpx.get(f"{running.gateway.base}/v1/generation", params={"id": "none"}).status_code == 401
