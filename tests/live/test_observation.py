"""Cases 3.8.1 and 3.8.2, and the truth of what is observed: over two processes, and over a restart."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
import yaml

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import Seen, StubUpstream, chat_stream, stub_upstream

pytestmark = pytest.mark.xdist_group("observation")
MODEL = "acme/stub"
SPEED = "/v1/chat/completions/metrics/tokens-per-second"
BODY = {"model": MODEL, "messages": [{"role": "user", "content": "Reply with the single word pong."}]}
TOKENS = 11
"""Of one answer of the stub, 2 of them written."""
SOON_S = 15.0


class Sample(NamedTuple):
    requests: int
    tokens: int
    speed: float


class Running(NamedTuple):
    gateway: GatewayProcess
    upstream: StubUpstream
    key: str

    def ask(self, **more: Any) -> httpx.Response:
        """Call on a connection of its own: any of the processes may take it."""
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.post(f"{self.gateway.base}/v1/chat/completions", json=BODY | more, headers=headers, timeout=20)

    def get(self, path: str) -> str:
        answer = httpx.get(self.gateway.base + path, timeout=20)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        return answer.text

    def sample(self, path: str = SPEED) -> Sample | None:
        return samples(self.get(path)).get((MODEL, "stub"))


def samples(text: str) -> dict[tuple[str, str], Sample]:
    line = r'gatewayz_tokens_per_second\{model="(.+?)",provider="(.+?)",requests="(\d+)",total_tokens="(\d+)"\} (\S+)'
    assert text.startswith("# HELP gatewayz_tokens_per_second ")
    return {(m[1], m[2]): Sample(int(m[3]), int(m[4]), float(m[5])) for m in re.finditer(line, text)}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "1", "output": "1"}, "offers": {"stub": {}}}},
            "observation": {"exchange_s": 0.5},
        }
        with GatewayProcess(tmp_path_factory.mktemp("observation"), config, workers=2) as gateway:
            yield Running(gateway, upstream, gateway.create_user())


def wait_for(running: Running, requests: int) -> None:
    """Wait until every process tells so many requests."""
    end = time.monotonic() + SOON_S
    told: list[int | None] = []
    while time.monotonic() < end:
        told = [found.requests if (found := running.sample()) else None for _ in range(8)]
        if set(told) == {requests}:
            return
        time.sleep(0.2)
    raise AssertionError(f"{requests} requests were made, {told} are told")


def counted(running: Running) -> Sample:
    """Return what is told of the offer, after a first call if need be."""
    if running.sample() is None:
        assert running.ask().status_code == 200
        wait_for(running, 1)
    found = running.sample()
    assert found is not None
    return found


def test_3_8_1_n_requests_over_two_processes_are_n(running: Running) -> None:
    assert running.sample() is None
    running.upstream.behave = slow
    for number in range(12):
        assert running.ask(stream=number % 2 == 1).status_code == 200
    wait_for(running, 12)
    found = running.sample()
    assert found is not None and found.tokens == 12 * TOKENS
    # Two tokens in a tenth of a second or more.
    assert 0 < found.speed <= 20
    assert running.sample(f"{SPEED}?time=2year&model_id={MODEL}&provider_id=stub") == found


def test_3_8_2_all_time(running: Running) -> None:
    assert running.sample(f"{SPEED}/all") == running.sample()
    assert running.sample(f"{SPEED}/all?model_id={MODEL}") == running.sample()


def test_unknown_offers_have_no_sample_and_unknown_times_are_refused(running: Running) -> None:
    for path in (f"{SPEED}?model_id=acme/none", f"{SPEED}/all?provider_id=none"):
        assert samples(running.get(path)) == {}
    answer = httpx.get(f"{running.gateway.base}{SPEED}?time=day")
    assert answer.status_code == 400 and "hour, week" in answer.text


def test_failed_calls_are_requests_without_tokens(running: Running) -> None:
    before = counted(running)
    running.upstream.fail(400)
    assert running.ask().status_code == 400
    running.upstream.recover()
    wait_for(running, before.requests + 1)
    found = running.sample()
    assert found is not None and found.tokens == before.tokens


def test_a_restart_keeps_what_was_counted(running: Running) -> None:
    before = counted(running)
    assert running.gateway.stop() == 0
    config = yaml.safe_load(running.gateway.path.read_text())
    with GatewayProcess(running.gateway.folder, config) as gateway:
        again = Running(gateway, running.upstream, running.key)
        assert again.sample() == before
        assert again.ask().status_code == 200
        found = again.sample()
        assert found is not None and found.requests == before.requests + 1


def test_an_outage_and_slowness_upstream_are_seen_and_outlive_a_restart(tmp_path: Path, running: Running) -> None:
    upstream, folder = running.upstream, tmp_path
    upstream.behave = slow
    config = yaml.safe_load(running.gateway.path.read_text()) | {
        "data_dir": str(folder / "var"),
        "store": {"url": f"sqlite+aiosqlite:///{folder / 'gatewayz.db'}"},
    }
    with GatewayProcess(folder, config) as gateway:
        one = Running(gateway, upstream, gateway.create_user())
        assert health(gateway)["status"] == "unknown"
        for _ in range(4):
            assert one.ask().status_code == 200
        seen = health(gateway)
        assert (seen["status"], seen["call_count"], seen["success_count"]) == ("healthy", 4, 4)
        # A tenth of a second was injected; quantiles are within 5 %.
        assert seen["p95_response_time_ms"] >= 95 and seen["average_response_time_ms"] >= 100
        upstream.fail(503)
        for number in range(1, 4):
            assert one.ask().status_code >= 500
            assert health(gateway)["consecutive_failures"] == number
        upstream.recover()
        assert (health(gateway)["status"], health(gateway)["error_count"]) == ("down", 3)
    with GatewayProcess(folder, config) as gateway:
        seen = health(gateway)
        assert (seen["status"], seen["call_count"], seen["consecutive_failures"]) == ("down", 7, 3)


def health(gateway: GatewayProcess) -> dict[str, Any]:
    answer = httpx.get(f"{gateway.base}/v1/model-health/stub/{MODEL}", timeout=20)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def slow(seen: Seen) -> tuple[int, dict[str, str], list[bytes | float]]:
    """Answer after a tenth of a second."""
    if seen.body.get("stream"):
        return 200, {}, [0.1, *chat_stream("stub", ["po", "ng"])]
    choice = {"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": TOKENS}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "stub", "choices": [choice], "usage": usage}
    return 200, {}, [0.1, msgspec.json.encode(body)]
