"""One started gateway for a whole module, with three stub providers behind it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import anthropic
import httpx
import openai
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

RECOVERY_S = 1.0


@dataclass
class Live:
    """A gateway, its providers by name, a key, and a client that carries it."""

    gateway: GatewayProcess
    openai: StubUpstream
    anthropic: StubUpstream
    openrouter: StubUpstream
    key: str
    client: httpx.Client

    def reset(self) -> None:
        for stub in (self.openai, self.anthropic, self.openrouter):
            stub.recover()
            stub.seen.clear()
        self.client.post("/circuit-breakers/reset-all").raise_for_status()


@pytest.fixture(scope="module")
def live_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder: Path = tmp_path_factory.mktemp("live")
    with stub_upstream() as openai, stub_upstream() as anthropic, stub_upstream() as openrouter:
        config = {
            "providers": {
                "openai": {"base_url": openai.url, "api_key": "sk-openai-upstream"},
                "anthropic": {"base_url": anthropic.url, "api_key": "sk-ant-upstream"},
                "openrouter": {"base_url": openrouter.url, "api_key": "sk-or-upstream"},
                "local": {"enabled": False},
            },
            "breakers": {"recovery_s": RECOVERY_S},
            "streams": {"keep_alive_s": 1.0},
        }
        with GatewayProcess(folder, config) as gateway:
            key = gateway.create_user()
            headers = {"authorization": f"Bearer {key}"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield Live(gateway, openai, anthropic, openrouter, key, client)


@pytest.fixture
def live(live_module: Live) -> Live:
    live_module.reset()
    return live_module


@pytest.fixture
def openai_client(live: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{live.gateway.base}/v1", api_key=live.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
async def async_openai(live: Live) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"{live.gateway.base}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key=live.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
def anthropic_client(live: Live) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=live.gateway.base, api_key=live.key, max_retries=0, timeout=20) as client:
        yield client


@pytest.fixture
async def async_anthropic(live: Live) -> AsyncIterator[anthropic.AsyncAnthropic]:
    url = live.gateway.base
    async with anthropic.AsyncAnthropic(base_url=url, api_key=live.key, max_retries=0, timeout=20) as client:
        yield client
