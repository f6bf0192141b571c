"""Planted secrets leave a started gateway by no way: not in answers, log lines, metrics, nor what commands print."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess, run_cli
from tests.fakes.stripe_server import stripe_server
from tests.fakes.stub_upstream import Answer, Seen, stub_upstream

pytestmark = pytest.mark.xdist_group("secrets")
MODEL = "acme/stub"
CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}]}
PLANTED = {
    "provider key": "canaryprovider4f2a9c",
    "Redis password": "canaryredis81be07",
    "Stripe key": "sk_test_canarystripe51d3aa",
    "Stripe webhook secret": "canarywebhook6620ff",
}
PROMPT = "canaryprompt93aa10"


class Sweep(NamedTuple):
    gateway: GatewayProcess
    user: str
    admin: str
    answers: dict[str, str]

    @property
    def secrets(self) -> dict[str, str]:
        return {**PLANTED, "caller's key": self.user, "administrator's key": self.admin}

    def find(self, text: str) -> list[str]:
        return [name for name, value in self.secrets.items() if value in text]


def blab(seen: Seen) -> Answer:
    """Fail, quoting everything that was sent."""
    quoted = f"refused: {seen.headers.get('authorization')} said {seen.body}"
    return 500, {}, [msgspec.json.encode({"error": {"message": quoted}})]


def ask_everything(gateway: GatewayProcess, user: str, admin: str) -> Iterator[tuple[str, str]]:
    with httpx.Client(base_url=gateway.base, timeout=30) as client:
        document = client.get("/openapi.json")
        yield "/openapi.json", document.text
        body = {**CHAT, "messages": [{"role": "user", "content": PROMPT}]}
        for path, sent in (("/v1/chat/completions", body), ("/v1/chat/completions", {**body, "stream": True})):
            yield f"POST {path}", client.post(path, json=sent, headers={"x-api-key": user}).text
        for key in ("x-api-key", "authorization"):
            wrong = {key: user + "x"}
            yield f"wrong {key}", client.post("/v1/chat/completions", json=body, headers=wrong).text
        paths = [path for path, methods in document.json()["paths"].items() if "get" in methods and "{" not in path]
        assert len(paths) > 100
        for path in paths:
            if "stream" in path or "/sse" in path:
                continue  # does not end
            for key in (user, admin):
                answer = client.get(path, headers={"authorization": f"Bearer {key}"})
                yield f"GET {path}", f"{answer.headers} {answer.text}"
        client.get(f"/nowhere?api_key={user}&other={PLANTED['provider key']}")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    with stub_upstream() as upstream, stripe_server() as stripe:
        upstream.behave = blab
        config = {
            "logging": {"format": "json", "level": "debug"},
            "server": {"access_log": True},
            "plugins": ["providers.*", "routers.*", "billing.*", "payments.*"],
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": PLANTED["provider key"]},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "1", "output": "1"}, "offers": {"stub": {}}}},
            "billing": {"use": "credits"},
            "payments": {
                "use": "stripe",
                "api_key": PLANTED["Stripe key"],
                "webhook_secret": PLANTED["Stripe webhook secret"],
                "base_url": stripe.url,
            },
            "store": {"redis_url": f"redis://:{PLANTED['Redis password']}@127.0.0.1:9/0"},
        }
        with GatewayProcess(tmp_path_factory.mktemp("secrets"), config) as gateway:
            user = gateway.create_user("user@example.com", "--credits", "5")
            admin = gateway.create_user("admin@example.com", "--role", "admin")
            yield Sweep(gateway, user, admin, dict(ask_everything(gateway, user, admin)))


def test_no_answer_carries_a_secret(sweep: Sweep) -> None:
    assert {where: found for where, text in sweep.answers.items() if (found := sweep.find(text))} == {}


def test_no_log_line_carries_a_secret_or_a_prompt(sweep: Sweep) -> None:
    sweep.gateway.stop()  # the last lines are written then
    lines = sweep.gateway.log
    assert any("/nowhere?api_key=gw_live_***&other=***" in line for line in lines)
    assert [line for line in lines if sweep.find(line) or PROMPT in line] == []


def test_log_lines_are_json_and_those_of_requests_carry_their_id(sweep: Sweep) -> None:
    sweep.gateway.stop()
    lines = [msgspec.json.decode(line) for line in sweep.gateway.log]
    assert all({"time", "level", "logger", "message"} <= line.keys() for line in lines)
    access = [line for line in lines if line["logger"] == "gatewayz.access"]
    assert len(access) > 100
    assert all(line["request_id"].startswith("req_") and line["status"] for line in access)


@pytest.mark.parametrize("command", [("doctor",), ("doctor", "--json"), ("check",), ("plan",), ("plugins",)])
def test_no_command_prints_a_secret(sweep: Sweep, command: tuple[str, ...]) -> None:
    done = run_cli(*command, "--config", str(sweep.gateway.path))
    assert done.stdout
    assert sweep.find(done.stdout + done.stderr) == []


def test_a_database_that_cannot_be_reached_keeps_its_password(tmp_path: Path) -> None:
    password = "canarydatabase77c0de"
    config = {"store": {"url": f"postgresql+asyncpg://gateway:{password}@127.0.0.1:9/gateway"}}
    gateway = GatewayProcess(tmp_path, config)
    with pytest.raises(RuntimeError) as failure:
        gateway.start()
    assert "could not serve" in str(failure.value) and password not in str(failure.value)
    done = run_cli("doctor", "--config", str(gateway.path))
    assert "postgresql" in done.stdout or done.returncode == 1
    assert password not in done.stdout + done.stderr
