"""Balancing over the offers of one model, against a started server with two providers of it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

MODEL = "openai/gpt-4o"
USERS = [f"conversation-{number}" for number in range(40)]


class Balanced:
    """A gateway whose default router is `balanced`, and who answered whom."""

    def __init__(
        self, gateway: GatewayProcess, client: httpx.Client, openai: StubUpstream, openrouter: StubUpstream
    ) -> None:
        self.gateway, self.client = gateway, client
        self.openai, self.openrouter = openai, openrouter

    def who(self, **fields: Any) -> str:
        """Make a call and return the provider that answered it."""
        asked = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}], **fields}
        reply = self.client.post("/v1/chat/completions", json=asked)
        assert reply.status_code == 200, reply.text
        provider: str = reply.json()["gateway_usage"]["provider"]
        return provider

    def everybody(self) -> dict[str, str]:
        return {user: self.who(user=user) for user in USERS}


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    folder: Path = tmp_path_factory.mktemp("balanced")
    with stub_upstream() as openai, stub_upstream() as openrouter:
        config = {
            "providers": {
                "openai": {"base_url": openai.url, "api_key": "sk-openai-upstream"},
                "openrouter": {"base_url": openrouter.url, "api_key": "sk-or-upstream"},
                "local": {"enabled": False},
            },
            "routers": {"shared": {"use": "balanced", "strategy": "weighted", "weights": {"openai": 3}}},
            "default_router": "shared",
        }
        with GatewayProcess(folder, config) as gateway:
            headers = {"authorization": f"Bearer {gateway.create_user()}"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield Balanced(gateway, client, openai, openrouter)


def test_conversations_are_shared_out_and_stay(balanced: Balanced) -> None:
    before = balanced.everybody()
    assert set(before.values()) == {"openai", "openrouter"}
    assert list(before.values()).count("openai") > list(before.values()).count("openrouter")
    assert balanced.everybody() == before


def test_an_outage_moves_only_those_it_concerns_and_they_come_back(balanced: Balanced) -> None:
    before = balanced.everybody()
    balanced.openrouter.fail(500)
    during = balanced.everybody()
    assert set(during.values()) == {"openai"}
    balanced.openrouter.recover()
    balanced.client.post("/circuit-breakers/reset-all").raise_for_status()
    assert balanced.everybody() == before


def test_conversations_that_say_nothing_of_themselves_are_known_by_how_they_began(balanced: Balanced) -> None:
    def turn(opening: str, *later: str) -> str:
        said = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": opening}]
        for text in later:
            said += [{"role": "assistant", "content": "Well."}, {"role": "user", "content": text}]
        return balanced.who(messages=said)

    first = {user: turn(f"I am {user}") for user in USERS}
    assert set(first.values()) == {"openai", "openrouter"}
    assert {user: turn(f"I am {user}", "And then?", "And now?") for user in USERS} == first


def test_a_provider_that_is_named_is_kept(balanced: Balanced) -> None:
    assert {balanced.who(user=user, model=f"openrouter/{MODEL}") for user in USERS[:10]} == {"openrouter"}
    assert {balanced.who(user=user, provider="openrouter") for user in USERS[:10]} == {"openrouter"}
