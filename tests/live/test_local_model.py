"""The shipped configuration without any key: a real small model answers, and a first run shows it."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anthropic
import httpx
import msgspec
import openai
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.ports import free_port

pytestmark = pytest.mark.timeout(180)

MODEL = "local/smollm2-135m-instruct"
SHIPPED = Path(__file__).parents[2] / "gatewayz.yaml"
QUESTION = "In one short sentence: what is the capital of France?"
ASK: Any = [{"role": "user", "content": QUESTION}]
_COMMAND = [sys.executable, "-c", "import sys; from gatewayz.cli import main; sys.exit(main())"]


@dataclass
class Local:
    gateway: GatewayProcess
    key: str

    @property
    def openai(self) -> openai.OpenAI:
        return openai.OpenAI(base_url=f"{self.gateway.base}/v1", api_key=self.key, max_retries=0, timeout=60)


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    with GatewayProcess(tmp_path_factory.mktemp("local"), {}) as gateway:
        yield Local(gateway, gateway.create_user())


def models(log: list[str]) -> list[tuple[int, int]]:
    """Port and process id of each start of the model, oldest first."""
    found = [re.search(r"the local model answers on port (\d+) \(process (\d+)\)", line) for line in log]
    return [(int(match.group(1)), int(match.group(2))) for match in found if match]


def test_a_stream_of_real_tokens(local: Local) -> None:
    with local.openai as client:
        chunks = list(
            client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=40, temperature=0, stream=True)
        )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert "Paris" in text and len(chunks) > 5 and chunks[-1].choices[0].finish_reason in ("stop", "length")
    usage: Any = (chunks[-1].model_extra or {})["gateway_usage"]
    assert usage["provider"] == "local" and usage["usage_source"] == "provider" and usage["tokens_charged"] > 20


def test_json_mode_and_json_schema(local: Local) -> None:
    schema = {"type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"]}
    forms: Any = [
        {"type": "json_object"},
        {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, "strict": True}},
    ]
    messages: Any = [{"role": "user", "content": "Give me a JSON object with the key city and the value Paris."}]
    with local.openai as client:
        for form in forms:
            reply = client.chat.completions.create(
                model=MODEL, messages=messages, max_tokens=100, response_format=form, temperature=0
            )
            assert isinstance(msgspec.json.decode(reply.choices[0].message.content or ""), dict)
    assert msgspec.json.decode(reply.choices[0].message.content or "")["city"] in ("Paris", "Rome")


def test_messages_and_responses_are_translated(local: Local) -> None:
    with (
        anthropic.Anthropic(base_url=local.gateway.base, api_key=local.key, max_retries=0) as client,
        client.messages.stream(model=MODEL, max_tokens=40, messages=ASK, extra_body={"temperature": 0}) as stream,
    ):
        assert "Paris" in "".join(stream.text_stream)
        final = stream.get_final_message()
    assert final.usage.output_tokens > 3 and final.stop_reason in ("end_turn", "max_tokens")
    with local.openai as other:
        answer = other.responses.create(model=MODEL, input=QUESTION, max_output_tokens=40, temperature=0)
    assert "Paris" in answer.output_text


def test_what_the_model_cannot_do_is_said(local: Local) -> None:
    tool: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    with local.openai as client, pytest.raises(openai.BadRequestError, match="tools"):
        client.chat.completions.create(model=MODEL, messages=ASK, tools=[tool])


def test_a_killed_model_comes_back(local: Local) -> None:
    with local.openai as client:
        client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=4)
        [*_, killed] = models(local.gateway.log)
        os.kill(killed[1], signal.SIGKILL)
        wait_until(lambda: models(local.gateway.log)[-1] != killed)
        reply = client.chat.completions.create(model=MODEL, messages=ASK, max_tokens=40, temperature=0)
    assert "Paris" in (reply.choices[0].message.content or "")


def test_the_model_ends_with_its_gateway(tmp_path: Path) -> None:
    with GatewayProcess(tmp_path, {}) as gateway:
        wait_until(lambda: bool(models(gateway.log)))
        [(port, _)] = models(gateway.log)
        assert is_listening(port)
        os.kill(gateway.pid, signal.SIGKILL)
        wait_until(lambda: not is_listening(port))


def wait_until(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_listening(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


# ---------------------------------------------------------------- a first run


class Welcome:
    """`gatewayz welcome` with the shipped configuration and data of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        env = {name: value for name, value in os.environ.items() if not re.search(r"_(KEY|TOKEN)$|^GATEWAYZ_", name)}
        env |= {"DATABASE_URL": f"sqlite+aiosqlite:///{folder / 'gatewayz.db'}", "GATEWAYZ_DATA_DIR": str(folder)}
        self.process = subprocess.Popen(
            [*_COMMAND, "welcome", "--config", str(SHIPPED), "--port", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=env,
        )
        self.lines: list[str] = []
        self._greeted = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line)
            if "Ctrl-C stops it" in line:
                self._greeted.set()
        self._greeted.set()

    def wait_greeted(self) -> str:
        assert self._greeted.wait(180)
        return "".join(self.lines)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(20)
        self._reader.join(5)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_welcome_shows_an_answer_and_its_cost_and_ends_well(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    welcome = Welcome(tmp_path, port)
    try:
        shown = welcome.wait_greeted()
        answer, _, cost = shown.partition(QUESTION)[2].partition("It cost ")
        assert len(answer.split()) > 2, shown
        assert re.match(r"\$0(\.\d+)? for \d+ tokens in \d+ ms", cost), shown
        found = re.search(r"API key +(\S+)", shown)
        assert found is not None
        reply = httpx.get(f"http://127.0.0.1:{port}/v1/models", headers={"x-api-key": found.group(1)})
        assert MODEL in {model["id"] for model in reply.json()["data"]}
        welcome.process.send_signal(number)
        assert welcome.process.wait(20) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/livez")
    finally:
        welcome.close()


def test_welcome_on_a_taken_port_fails_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        welcome = Welcome(tmp_path, taken.getsockname()[1])
        try:
            assert welcome.process.wait(20) != 0
        finally:
            welcome.close()
