"""Providers that refuse, hang, cut and lie, and a configuration that changes under load: what callers see."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import Seen, StubUpstream, chat_stream, stub_upstream

PING = [{"role": "user", "content": "ping"}]
PRICE = {"input": "1", "output": "2"}
IDLE_S = 0.8
ANSWERS: list[Any] = [
    (200, {}, [b"<html>hello</html>"]),
    (502, {}, [b"<html>Bad Gateway</html>"]),
    (200, {}, [b'{"error":{"message":"busy","type":"overloaded_error"}}']),
    (200, {"content-encoding": "gzip"}, [b"\x1f\x8b\x08\x00"]),
    (401, {}, [b'{"error":{"message":"bad key sk-1"}}']),
    (404, {}, [b'{"error":{"message":"no such model"}}']),
    (429, {"retry-after": "1"}, [b'{"error":{"message":"slow down"}}']),
    (200, {}, [b""]),
]
"""Ways to break; each has a model of its own, for a cooldown outlasts a reset."""


class Broken:
    """Model `t/one` at the first provider only, `t/two` at the first and then the second."""

    def __init__(self, gateway: GatewayProcess, first: StubUpstream, second: StubUpstream, key: str) -> None:
        self.gateway = gateway
        self.first = first
        self.second = second
        self.client = httpx.Client(base_url=gateway.base, headers={"x-api-key": key}, timeout=20)

    def reset(self) -> None:
        for stub in (self.first, self.second):
            stub.recover()
            stub.seen.clear()
        self.client.post("/circuit-breakers/reset-all").raise_for_status()

    def chat(self, model: str, **body: Any) -> httpx.Response:
        return self.client.post("/v1/chat/completions", json={"model": model, "messages": PING, **body})


@pytest.fixture(scope="module")
def broken_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    with stub_upstream() as first, stub_upstream() as second:
        config = {
            "providers": {
                "first": {"use": "openai_compatible", "base_url": first.url, "api_key": "sk-1"},
                "second": {"use": "openai_compatible", "base_url": second.url, "api_key": "sk-2"},
                "nowhere": {"use": "openai_compatible", "base_url": "http://127.0.0.1:9/v1", "api_key": "sk-3"},
                "local": {"enabled": False},
            },
            "models": {
                "t/one": {"price": PRICE, "offers": {"first": {}}},
                "t/two": {"price": PRICE, "offers": {"first": {}, "second": {}}},
                "t/limited": {"price": PRICE, "offers": {"first": {}}},
                **{f"t/case-{n}": {"price": PRICE, "offers": {"first": {}, "second": {}}} for n in range(len(ANSWERS))},
                "t/nowhere": {"price": PRICE, "offers": {"nowhere": {}}},
                "t/nowhere-first": {"price": PRICE, "offers": {"nowhere": {}, "second": {}}},
            },
            "timeouts": {"connect_s": 1, "first_byte_s": 0.5, "idle_s": IDLE_S, "total_s": 10},
        }
        with GatewayProcess(tmp_path_factory.mktemp("broken"), config) as gateway:
            broken = Broken(gateway, first, second, gateway.create_user())
            with broken.client:
                yield broken


@pytest.fixture
def broken(broken_module: Broken) -> Broken:
    broken_module.reset()
    return broken_module


def pieces(*words: str) -> list[bytes]:
    return list(chat_stream("m", list(words)))


@pytest.mark.parametrize("stream", [False, True])
def test_a_provider_that_does_not_answer_is_left_in_time(broken: Broken, stream: bool) -> None:
    broken.first.behave = lambda seen: (200, {}, [5.0, b"{}"])
    started = time.monotonic()
    reply = broken.chat("t/two", stream=stream)
    assert reply.status_code == 200 and reply.headers["x-provider"] == "second"
    assert time.monotonic() - started < 3
    alone = broken.chat("t/one", stream=stream)
    assert alone.status_code == 504 and alone.json()["error"]["gateway_code"] == "PROVIDER_TIMEOUT"


def test_a_provider_that_refuses_connections_is_503_or_passed_over(broken: Broken) -> None:
    alone = broken.chat("t/nowhere")
    assert alone.status_code == 503 and int(alone.headers["retry-after"]) >= 1
    assert broken.chat("t/nowhere-first").headers["x-provider"] == "second"


def test_a_stream_that_goes_silent_ends_with_an_error_that_names_the_limit(broken: Broken) -> None:
    broken.first.behave = lambda seen: (200, {}, [*pieces("po")[:2], 8.0])
    started = time.monotonic()
    reply = broken.chat("t/two", stream=True)
    assert IDLE_S <= time.monotonic() - started < IDLE_S + 2
    last = msgspec.json.decode(reply.text.strip().split("\n\n")[-1].removeprefix("data: "))
    assert "idle" in last["error"]["message"] and "[DONE]" not in reply.text
    assert reply.text.count('"po"') == 1 and broken.second.seen == []


@pytest.mark.parametrize("case", range(len(ANSWERS)))
def test_whatever_way_the_first_breaks_the_second_answers(broken: Broken, case: int) -> None:
    broken.first.behave = lambda seen: ANSWERS[case]
    reply = broken.chat(f"t/case-{case}")
    assert reply.status_code == 200 and reply.headers["x-provider"] == "second"
    broken.second.fail(500)
    assert "sk-1" not in broken.chat(f"t/case-{case}").text


def test_a_rate_limited_provider_is_not_asked_again_before_its_time(broken: Broken) -> None:
    broken.first.fail(429, retry_after="2")
    first = broken.chat("t/limited")
    assert first.status_code == 429 and first.headers["retry-after"] == "2"
    again = broken.chat("t/limited")
    assert again.status_code == 429 and len(broken.first.seen) == 1
    broken.first.recover()
    time.sleep(2.1)
    assert broken.chat("t/limited").status_code == 200


def test_a_cut_stream_is_never_taken_for_a_finished_one(broken: Broken) -> None:
    broken.first.behave = lambda seen: (200, {}, pieces("po", "ng")[:3])
    reply = broken.chat("t/two", stream=True)
    assert '"error"' in reply.text and "[DONE]" not in reply.text and '"stop"' not in reply.text


def test_an_error_before_content_inside_a_200_stream_fails_over(broken: Broken) -> None:
    event = b'data: {"error":{"message":"busy","type":"overloaded_error"}}\n\n'
    broken.first.behave = lambda seen: (200, {}, [pieces("po")[0], event])
    reply = broken.chat("t/two", stream=True)
    assert reply.headers["x-provider"] == "second" and reply.text.count('"role":"assistant"') == 1


def test_reloads_under_load_fail_no_request(broken: Broken) -> None:
    """Good and bad files alternate while four callers do not stop."""
    before = broken.gateway.path.read_text()
    stop = threading.Event()
    statuses: list[int] = []

    def call() -> None:
        with httpx.Client(base_url=broken.gateway.base, headers=broken.client.headers, timeout=20) as client:
            while not stop.is_set():
                body = {"model": "t/two", "messages": PING, "stream": len(statuses) % 2 == 0}
                reply = client.post("/v1/chat/completions", json=body)
                whole = reply.status_code == 200 and ("[DONE]" in reply.text or "choices" in reply.text)
                statuses.append(reply.status_code if whole else 0)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        for n in range(6):
            broken.gateway.path.write_text(before + (f"aliases: {{name-{n}: t/one}}\n" if n % 2 else "nonsense: {\n"))
            time.sleep(0.6)
    finally:
        stop.set()
        for caller in callers:
            caller.join(30)
        broken.gateway.path.write_text(before)
    assert len(statuses) > 50 and set(statuses) == {200}
    assert any("taken over" in line for line in broken.gateway.log)
    assert any("refused" in line for line in broken.gateway.log)


def test_a_stopping_gateway_lets_streams_finish(tmp_path: Path) -> None:
    with stub_upstream() as stub:

        def slow(seen: Seen) -> Any:
            first, *rest = pieces("po", "ng")
            return 200, {}, [first, rest[0], 1.0, *rest[1:]]

        stub.behave = slow
        config = {
            "providers": {
                "mine": {"use": "openai_compatible", "base_url": stub.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {"t/one": {"price": PRICE, "offers": {"mine": {}}}},
        }
        gateway = GatewayProcess(tmp_path, config, workers=2)
        gateway.start()
        key = gateway.create_user()
        body = {"model": "t/one", "messages": PING, "stream": True}
        codes: list[int] = []
        with httpx.stream(
            "POST", f"{gateway.base}/v1/chat/completions", json=body, headers={"x-api-key": key}, timeout=20
        ) as reply:
            lines = reply.iter_lines()
            assert next(lines).startswith("data: ")
            stopper = threading.Thread(target=lambda: codes.append(gateway.stop()))
            stopper.start()
            rest = "\n".join(lines)
        stopper.join(30)
        assert rest.rstrip().endswith("data: [DONE]") and codes == [0]
