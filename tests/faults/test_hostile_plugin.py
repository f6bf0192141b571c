"""Guarantee 15: a plugin whose every hook raises, hangs or lies costs no request; an unlisted one is not imported."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.plugin_modules import PluginFolder
from tests.fakes.stub_upstream import stub_upstream

CALLS = 60
WAYS = ("raises", "hangs", "lies", "exits")
SOURCE = """
import asyncio, pathlib, sys
from gatewayz.sdk.hookspecs import hookimpl
from gatewayz_plugins.providers.echo.provider import EchoProvider, EchoSettings

gatewayz_api = ">=1.0,<2"


class Raises(EchoProvider):
    async def complete(self, call, context):
        raise RuntimeError("a fault of the plugin")

    async def list_models(self):
        raise RuntimeError("a fault of the plugin")

    async def aclose(self):
        raise RuntimeError("a fault of the plugin")


class Hangs(EchoProvider):
    async def complete(self, call, context):
        await asyncio.sleep(3600)


class Lies(EchoProvider):
    async def complete(self, call, context):
        return {"not": "a completion"}


class Exits(EchoProvider):
    async def complete(self, call, context):
        sys.exit(3)


@hookimpl
def gatewayz_register_providers(register):
    for kind in (Raises, Hangs, Lies, Exits):
        register("evil_" + kind.__name__.lower(), kind, settings=EchoSettings)


@hookimpl
def gatewayz_attempt_finished(attempt):
    raise RuntimeError("a fault of the plugin")


@hookimpl
def gatewayz_request_settled(settlement):
    sys.exit(3)
"""


class Running(NamedTuple):
    gateway: GatewayProcess
    client: httpx.Client
    imported: Path
    """Made when the module that nobody listed is imported."""

    def ask(self, model: str, **more: Any) -> httpx.Response:
        body = {"model": model, "messages": [{"role": "user", "content": "ping"}], **more}
        return self.client.post("/v1/chat/completions", json=body)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("evil")
    plugins = PluginFolder(folder)
    imported = folder / "imported"
    plugins.add("evil", SOURCE)
    plugins.add("unlisted", f"import pathlib\npathlib.Path({str(imported)!r}).touch()\n")
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "plugins": ["providers.*", "routers.*", "billing.*", "evil"],
            "providers": {
                **{way: {"use": f"evil_{way}"} for way in WAYS},
                "good": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {
                f"t/{way}": {"price": {"input": "1", "output": "1"}, "offers": {way: {}, "good": {}}} for way in WAYS
            },
            "timeouts": {"connect_s": 1, "first_byte_s": 0.5, "idle_s": 1, "total_s": 5},
        }
        with GatewayProcess(folder, config, env={"PYTHONPATH": str(folder)}) as gateway:
            headers = {"x-api-key": gateway.create_user()}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield Running(gateway, client, imported)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("way", WAYS)
def test_every_call_is_answered_by_somebody(running: Running, way: str, stream: bool) -> None:
    answers = [running.ask(f"t/{way}", stream=stream) for _ in range(CALLS)]
    assert [answer.status_code for answer in answers].count(200) >= 0.99 * CALLS
    mark = "data: [DONE]" if stream else "pong"
    assert all(mark in answer.text for answer in answers if answer.status_code == 200)
    assert running.client.get("/livez").status_code == 200


def test_what_nobody_listed_is_never_imported(running: Running) -> None:
    assert running.ask("t/raises").status_code == 200
    assert not running.imported.exists()
