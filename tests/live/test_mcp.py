"""The MCP endpoint, asked by the official client over HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.tool_services import HITS, ToolServices, tool_services

pytest.importorskip("mcp")

from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.exceptions import MCPError

pytestmark = pytest.mark.xdist_group("mcp")
PAGE = "https://pages.example"
MODES = ["legacy", "auto"]
"""The handshake up to 2025-11-25, and what 2026-07-28 does without one."""
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}},
}
ACCEPT = {"accept": "application/json, text/event-stream"}


class Running(NamedTuple):
    base: str
    key: str
    services: ToolServices

    @asynccontextmanager
    async def client(self, mode: Any, key: str | None = None) -> AsyncIterator[Client]:
        headers = {"authorization": f"Bearer {key or self.key}"}
        async with create_mcp_http_client(headers=headers) as http:
            transport = streamable_http_client(f"{self.base}/mcp", http_client=http)
            async with Client(transport, mode=mode) as client:
                yield client

    def post(self, body: Any, **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {self.key}", **ACCEPT, **headers}
        return httpx.post(f"{self.base}/mcp", json=body, headers=sent, timeout=20)


@pytest.fixture(scope="module")
def running_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with tool_services() as services:
        config: dict[str, Any] = {
            "plugins": ["providers.*", "routers.*", "billing.*", "tools.*"],
            "tools": {
                "web_search": {"use": "tavily", "base_url": services.url, "api_key": "tvly-secret"},
                "docs": {"use": "docs_search"},
            },
            "providers": {"local": {"enabled": False}},
            "access": {"cors_origins": [PAGE]},
            "mcp": {"enabled": True},
        }
        with GatewayProcess(tmp_path_factory.mktemp("mcp"), config) as gateway:
            yield Running(gateway.base, gateway.add_user("caller@example.com")["api_key"], services)


@pytest.fixture
def running(running_module: Running) -> Running:
    running_module.services.status = 200
    running_module.services.seen.clear()
    return running_module


@pytest.mark.parametrize("mode", MODES)
async def test_tools_are_listed_as_everywhere_else(running: Running, mode: str) -> None:
    async with httpx.AsyncClient() as plain:
        shown = (await plain.get(f"{running.base}/v1/tools/definitions")).json()
    async with running.client(mode) as client:
        assert client.server_info.name == "gatewayz"
        listed = (await client.list_tools()).tools
    told = [{"name": t.name, "description": t.description, "parameters": t.input_schema} for t in listed]
    assert told == [each["function"] for each in shown] and len(told) == 2


@pytest.mark.parametrize("mode", MODES)
async def test_a_tool_is_run(running: Running, mode: str) -> None:
    async with running.client(mode) as client:
        done = await client.call_tool("web_search", {"query": "latest python release", "max_results": 2})
        offline = await client.call_tool("docs", {"query": "circuit breakers"})
    assert not done.is_error and done.structured_content["results"] == HITS[:2]
    assert '"query":"latest python release"' in done.content[0].text
    assert done.meta["gatewayz/metadata"]["tool"] == "web_search"
    assert offline.structured_content["results_count"] > 0


@pytest.mark.parametrize("mode", MODES)
async def test_bad_arguments_are_told_by_name_so_that_a_model_can_mend_them(running: Running, mode: str) -> None:
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "query"),
        ({"query": "x", "max_results": 11}, "max_results"),
        ({"query": "x", "deeper": 1}, "deeper"),
    ]
    async with running.client(mode) as client:
        for arguments, name in wrong:
            done = await client.call_tool("web_search", arguments)
            assert done.is_error and name in done.content[0].text, done
    assert not running.services.seen


@pytest.mark.parametrize("mode", MODES)
async def test_a_tool_that_fails_says_why_without_the_services_words(running: Running, mode: str) -> None:
    running.services.status = 500
    async with running.client(mode) as client:
        done = await client.call_tool("web_search", {"query": "x"})
    assert done.is_error and done.meta["gatewayz/metadata"]["error_type"] == "api_error"
    assert "tvly-secret" not in done.content[0].text


@pytest.mark.parametrize("mode", MODES)
async def test_an_unknown_tool_is_an_error_of_the_protocol(running: Running, mode: str) -> None:
    async with running.client(mode) as client:
        with pytest.raises(MCPError) as told:
            await client.call_tool("fake_tool", {})
    assert told.value.code == -32602 and "fake_tool" in told.value.message


@pytest.mark.parametrize("mode", MODES)
async def test_a_bad_key_gets_nowhere(running: Running, mode: str) -> None:
    with pytest.raises((MCPError, ExceptionGroup)):
        async with running.client(mode, key="gw_live_wrong"):
            pytest.fail("connected")
    for key in ("", "Bearer gw_live_wrong"):
        assert running.post(INITIALIZE, authorization=key).status_code == 401


def test_a_foreign_page_is_refused_and_a_known_one_is_not(running: Running) -> None:
    assert running.post(INITIALIZE).json()["result"]["serverInfo"]["name"] == "gatewayz"
    for origin in ("https://evil.example", running.base, "null"):
        refused = running.post(INITIALIZE, origin=origin)
        assert (refused.status_code, "cors_origins" in refused.text) == (403, True)
    known = running.post(INITIALIZE, origin=PAGE)
    assert (known.status_code, known.headers["access-control-allow-origin"]) == (200, PAGE)


def test_what_is_no_message_is_refused(running: Running) -> None:
    sent = {"authorization": f"Bearer {running.key}", **ACCEPT, "content-type": "application/json"}
    for body in (b"", b"{", b"[]", b'{"jsonrpc": "2.0"}', b"[" * 100_000):
        answer = httpx.post(f"{running.base}/mcp", content=body, headers=sent, timeout=20)
        assert answer.status_code == 400, (body[:20], answer.text)
    assert running.post(INITIALIZE, accept="text/html").status_code == 406
    unknown = {"jsonrpc": "2.0", "id": 1, "method": "tools/forget"}
    assert running.post(unknown).json()["error"]["code"] == -32601
    assert running.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status_code == 202


def test_there_are_no_streams_and_no_sessions_to_open_or_end(running: Running) -> None:
    assert "mcp-session-id" not in running.post(INITIALIZE).headers
    headers = {"authorization": f"Bearer {running.key}", **ACCEPT}
    for method in ("GET", "DELETE"):
        assert httpx.request(method, f"{running.base}/mcp", headers=headers, timeout=20).status_code == 405


def test_runs_count_with_other_runs_of_tools(tmp_path_factory: pytest.TempPathFactory) -> None:
    config: dict[str, Any] = {
        "plugins": ["providers.*", "routers.*", "billing.*", "tools.*"],
        "tools": {"web_search": {"use": "docs_search"}},
        "providers": {"local": {"enabled": False}},
        "limits": {"enabled": True, "endpoints": {"tools": {"requests": 2, "window_s": 60, "scope": "user"}}},
    }
    with tool_services() as services, GatewayProcess(tmp_path_factory.mktemp("limited"), config) as gateway:
        limited = Running(gateway.base, gateway.add_user("caller@example.com")["api_key"], services)
        asyncio.run(_run_three_times(limited))
        sent = {"name": "web_search", "parameters": {"query": "x"}}
        headers = {"authorization": f"Bearer {limited.key}"}
        assert httpx.post(f"{gateway.base}/v1/tools/execute", json=sent, headers=headers).status_code == 429


async def _run_three_times(limited: Running) -> None:
    async with limited.client("legacy") as client:
        done = [await client.call_tool("web_search", {"query": "x"}) for _ in range(3)]
        assert [each.is_error for each in done] == [False, False, True]
        assert done[2].meta["gatewayz/metadata"]["code"] == "RATE_LIMIT_EXCEEDED", done[2]
        assert len((await client.list_tools()).tools) == 1


def test_switched_off_it_is_not_there(tmp_path_factory: pytest.TempPathFactory) -> None:
    config = {"providers": {"local": {"enabled": False}}, "mcp": {"enabled": False}}
    with GatewayProcess(tmp_path_factory.mktemp("off"), config) as gateway:
        headers = {"authorization": f"Bearer {gateway.add_user('caller@example.com')['api_key']}"}
        answer = httpx.post(f"{gateway.base}/mcp", json=INITIALIZE, headers=headers, timeout=20)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "MCP_NOT_AVAILABLE")
