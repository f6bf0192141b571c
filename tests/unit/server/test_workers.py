"""Several processes on one port: spread, replaced when one dies, drained together."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gatewayz.server.worker import load_factory
from tests.fakes.raw_http import GET, connected, talk

ROOT = Path(__file__).parents[3]
PROGRAM = """
import sys
from gatewayz.config.sections.serving import Server
from gatewayz.server.workers import WorkersFailedError, run_workers
settings = Server(port=0, workers=2, graceful_timeout_s=5)
try:
    run_workers(sys.argv[1], settings, arguments=sys.argv[2:], ready=lambda bound: print(bound[0][1], flush=True))
except WorkersFailedError as error:
    sys.exit(f"failed: {error}")
"""


one_loop = pytest.mark.asyncio(loop_factories=["asyncio"])
"""The loop of the test is not the one under test."""


async def start(*arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


@asynccontextmanager
async def workers(*arguments: str) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    process = await start(*arguments)
    assert process.stdout is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 30))
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ask(port: int) -> tuple[str, int]:
    name, pid = (await talk(port, b"GET / HTTP/1.0\r\n\r\n", 10)).rsplit(b"\r\n\r\n", 1)[1].split()
    return name.decode(), int(pid)


async def ask_many(port: int) -> set[int]:
    return {(await ask(port))[1] for _ in range(40)}


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1][0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


async def gone(pid: int) -> bool:
    for _ in range(100):
        if is_gone(pid):
            return True
        await asyncio.sleep(0.05)
    return False


@one_loop
async def test_one_dies_and_is_replaced_without_a_failed_connection_then_all_drain() -> None:
    async with workers("tests.fakes.asgi_apps:build", "seven") as (process, port):
        assert (await ask(port))[0] == "seven"
        before = await ask_many(port)
        assert len(before) == 2
        await talk(port, b"GET /die HTTP/1.1\r\nHost: a\r\n\r\n")
        after = await ask_many(port)  # connections to the dead one wait for its successor
        assert len(after) == 2
        assert len(before & after) == 1

        async with connected(port) as client:
            client.send(b"GET /stream HTTP/1.1\r\nHost: a\r\n\r\n")
            await client.until(b"part0;")
            process.send_signal(signal.SIGHUP)  # passed on, and no reason to end
            await asyncio.sleep(0.05)
            process.terminate()
            assert (await client.rest()).endswith(b"end\r\n0\r\n\r\n")
        assert await asyncio.wait_for(process.wait(), 10) == 0
        with pytest.raises(ConnectionRefusedError):
            await talk(port, GET)
        assert all([await gone(pid) for pid in after])


@one_loop
async def test_workers_end_with_a_supervisor_that_was_killed() -> None:
    async with workers("tests.fakes.asgi_apps:build") as (process, port):
        pids = await ask_many(port)
        process.kill()
        await process.wait()
        assert all([await gone(pid) for pid in pids])


@one_loop
async def test_a_factory_that_fails_ends_the_supervisor() -> None:
    process = await start("tests.fakes.asgi_apps:build_broken")
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert output == b""
    assert b"this application cannot be built" in errors
    assert b"failed: the workers could not be started" in errors


def test_load_factory_wants_a_module_and_a_name() -> None:
    assert callable(load_factory("tests.fakes.asgi_apps:build"))
    with pytest.raises(ValueError, match="form"):
        load_factory("tests.fakes.asgi_apps")
    with pytest.raises(AttributeError):
        load_factory("tests.fakes.asgi_apps:missing")
