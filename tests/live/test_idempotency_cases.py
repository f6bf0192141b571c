"""Repeats of a request with the id of its first run, over HTTP against a started server.

Source: spec case 9.2.2, docs/decisions/0093-one-run-per-caller-id.md.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

BODY = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "pong"}], "max_tokens": 16}


class Shop:
    """A gateway that bills by credits, and one customer."""

    def __init__(self, gateway: GatewayProcess, upstream: StubUpstream, client: httpx.Client) -> None:
        self.upstream, self.client = upstream, client
        self.admin = {"authorization": f"Bearer {gateway.create_user('a@example.com', '--role', 'admin')}"}
        self.user = {"authorization": f"Bearer {gateway.create_user('u@example.com', '--credits', '5')}"}

    def ask(self, id: str, header: str = "x-request-id", **more: Any) -> httpx.Response:
        return self.client.post("/v1/chat/completions", json={**BODY, **more}, headers={**self.user, header: id})

    def charges(self) -> list[Any]:
        query = {"transaction_type": "api_usage"}
        reply = self.client.get("/credits/transactions", params=query, headers=self.admin)
        found: list[Any] = reply.json()["transactions"]
        return found


@pytest.fixture(scope="module")
def shop_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with stub_upstream() as upstream:
        config = {
            "providers": {"openai": {"base_url": upstream.url, "api_key": "sk-up"}, "local": {"enabled": False}},
            "billing": {"use": "credits"},
        }
        folder: Path = tmp_path_factory.mktemp("shop")
        with GatewayProcess(folder, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
            yield Shop(gateway, upstream, client)


@pytest.fixture
def shop(shop_module: Shop) -> Shop:
    shop_module.upstream.recover()
    shop_module.upstream.seen.clear()
    shop_module.client.post("/circuit-breakers/reset-all")
    return shop_module


def test_9_2_2_idempotent_deduplication(shop: Shop) -> None:
    before = len(shop.charges())
    first, second = shop.ask("twice"), shop.ask("twice")
    assert first.status_code == second.status_code == 200, (first.text, second.text)
    assert second.content == first.content
    assert second.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    for name in ("content-type", "x-provider", "x-model"):
        assert second.headers[name] == first.headers[name]
    assert len(shop.upstream.seen) == 1
    assert len(shop.charges()) == before + 1


def test_stream_is_replayed(shop: Shop) -> None:
    before = len(shop.charges())
    first = shop.ask("stream", "idempotency-key", stream=True)
    second = shop.ask("stream", "idempotency-key", stream=True)
    assert first.text.rstrip().endswith("[DONE]") and second.content == first.content
    assert second.headers["content-type"] == first.headers["content-type"]
    assert second.headers["idempotent-replayed"] == "true"
    assert len(shop.upstream.seen) == 1 and len(shop.charges()) == before + 1


def test_other_body_is_422(shop: Shop) -> None:
    assert shop.ask("body", "idempotency-key").status_code == 200
    reply = shop.ask("body", "idempotency-key", max_tokens=8)
    assert reply.status_code == 422 and reply.json()["error"]["code"] == "idempotency_mismatch"


def test_running_is_409(shop: Shop) -> None:
    shop.upstream.behave = lambda seen: (500, {}, [1.0, b"{}"])
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(shop.ask, "running")
        ends = monotonic() + 10
        while not shop.upstream.seen and monotonic() < ends:
            sleep(0.02)
        reply = shop.ask("running")
        assert reply.status_code == 409 and reply.headers["retry-after"] == "1"
        assert reply.json()["error"]["code"] == "idempotency_conflict"
        assert first.result().status_code >= 500


def test_retry_after_failure_runs_and_is_charged_once(shop: Shop) -> None:
    before = len(shop.charges())
    shop.upstream.fail(500)
    assert shop.ask("failed").status_code >= 500
    assert len(shop.charges()) == before
    shop.upstream.recover()
    shop.client.post("/circuit-breakers/reset-all")
    reply = shop.ask("failed")
    assert reply.status_code == 200 and reply.headers["x-request-id"] == "req_failed"
    assert shop.ask("failed").content == reply.content
    assert len(shop.charges()) == before + 1


def test_stream_left_early_is_not_run_again(shop: Shop) -> None:
    piece = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
    piece += b'{"role":"assistant","content":"hello"},"finish_reason":null}]}\n\n'
    shop.upstream.behave = lambda seen: (200, {"content-type": "text/event-stream"}, [piece, 5.0])
    headers = {**shop.user, "idempotency-key": "left"}
    with shop.client.stream("POST", "/v1/chat/completions", json={**BODY, "stream": True}, headers=headers) as reply:
        next(reply.iter_raw())
    ends = monotonic() + 5
    repeat = shop.ask("left", "idempotency-key", stream=True)
    while "x-should-retry" not in repeat.headers and monotonic() < ends:
        sleep(0.05)
        repeat = shop.ask("left", "idempotency-key", stream=True)
    assert repeat.status_code == 409 and repeat.headers["x-should-retry"] == "false"
    assert len(shop.upstream.seen) == 1
