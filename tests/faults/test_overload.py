"""Guarantee 10: hung calls, slow clients and floods hurt nobody else, and too much work is refused at once."""

import asyncio
import contextlib
import resource
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import Answer, Seen, StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("overload")
HUNG, QUICK = "acme/hung", "acme/quick"
HUNG_CALLS = 300
QUICK_CALLS = 200
WORKED_ON = 25
"""`server.max_concurrent_requests` of the small gateway: four times as many come at once."""
IDLE = 10_000
IDLE_KIB = 30


class Running(NamedTuple):
    gateway: GatewayProcess
    upstream: StubUpstream
    greedy: str
    other: str


def hang(seen: Seen) -> Answer | None:
    return (200, {}, [60.0, b"{}"]) if seen.body["model"] == "hung" else None


def config_of(upstream: StubUpstream, **server: Any) -> dict[str, Any]:
    price = {"input": "1", "output": "1"}
    return {
        "server": server,
        "providers": {
            "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
            "local": {"enabled": False},
        },
        "models": {name: {"price": price, "offers": {"stub": {"id": name.split("/")[1]}}} for name in (HUNG, QUICK)},
    }


@contextlib.contextmanager
def started(folder: Path, **server: Any) -> Iterator[Running]:
    with stub_upstream() as upstream:
        upstream.behave = hang
        with GatewayProcess(folder, config_of(upstream, **server)) as gateway:
            keys = [gateway.create_user(f"{name}@example.com") for name in ("greedy", "other")]
            yield Running(gateway, upstream, *keys)


@contextlib.asynccontextmanager
async def hung(running: Running, calls: int) -> AsyncIterator[list["asyncio.Task[int]"]]:
    """Have this many calls of the greedy caller under way; gives those that are refused time to be."""
    limits = httpx.Limits(max_connections=calls)
    async with httpx.AsyncClient(base_url=running.gateway.base, timeout=120, limits=limits) as client:
        tasks = [asyncio.ensure_future(ask(client, running.greedy, HUNG)) for _ in range(calls)]
        try:
            yield tasks
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def ask(client: httpx.AsyncClient, key: str, model: str) -> int:
    body = {"model": model, "messages": [{"role": "user", "content": "ping"}]}
    return (await client.post("/v1/chat/completions", json=body, headers={"x-api-key": key})).status_code


async def until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():  # noqa: ASYNC110  (what is waited for happens in another process or thread)
            await asyncio.sleep(0.05)


async def test_hung_calls_of_one_do_not_stop_another(tmp_path: Path) -> None:
    with started(tmp_path) as running:
        async with hung(running, HUNG_CALLS):
            await until(lambda: len(running.upstream.seen) == HUNG_CALLS)
            async with httpx.AsyncClient(base_url=running.gateway.base, timeout=30) as client:
                statuses = [await ask(client, running.other, QUICK) for _ in range(QUICK_CALLS)]
        assert statuses.count(200) >= 0.99 * QUICK_CALLS


async def test_four_times_too_much_is_refused_at_once_and_passes(tmp_path: Path) -> None:
    with started(tmp_path, max_concurrent_requests=WORKED_ON) as running:
        async with hung(running, 4 * WORKED_ON) as tasks:
            await until(lambda: sum(task.done() for task in tasks) == 3 * WORKED_ON)
            assert Counter(task.result() for task in tasks if task.done()) == {503: 3 * WORKED_ON}
            assert len(running.upstream.seen) == WORKED_ON, "what is refused reaches nobody"
            async with httpx.AsyncClient(base_url=running.gateway.base, timeout=30) as client:
                refused = await client.post("/v1/chat/completions", json={}, headers={"x-api-key": running.other})
                assert refused.status_code == 503 and refused.headers["retry-after"] == "5"
                assert (await client.get("/livez")).status_code == 200
        async with httpx.AsyncClient(base_url=running.gateway.base, timeout=30) as client:
            await until(lambda: all(seen.hung_up.is_set() for seen in running.upstream.seen))
            assert await ask(client, running.other, QUICK) == 200


async def test_idle_connections_cost_little_and_let_others_in(tmp_path: Path) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < IDLE + 500:
        pytest.skip(f"a process may open {hard} files here")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (IDLE + 500, hard))
    try:
        with started(tmp_path) as running, contextlib.ExitStack() as idle:
            process = psutil.Process(running.gateway.pid)
            empty = process.memory_info().rss
            address = ("127.0.0.1", running.gateway.port)
            for _ in range(IDLE):
                idle.enter_context(socket.create_connection(address, timeout=10))
            await until(lambda: process.num_fds() > IDLE)
            async with httpx.AsyncClient(base_url=running.gateway.base, timeout=30) as client:
                assert await ask(client, running.other, QUICK) == 200
            assert (process.memory_info().rss - empty) / IDLE < IDLE_KIB * 1024
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
