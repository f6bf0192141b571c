"""Spans of a started gateway, as a collector receives them: the right parents, attributes, and no prompt."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.otlp_collector import Collected, Collector, otlp_collector
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("tracing")
MODEL = "acme/stub"
PATH = "/v1/chat/completions"
ROOT = f"POST {PATH}"
PROMPT = "canaryprompt93aa10"
PROVIDER_KEY = "canaryprovider4f2a9c"
COLLECTOR_KEY = "canarycollector0d41"
CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}]}


class Running(NamedTuple):
    gateway: GatewayProcess
    collector: Collector
    first: StubUpstream
    second: StubUpstream
    key: str

    def ask(self, number: int, *, sampled: bool = True, **more: Any) -> httpx.Response:
        """Call within the trace of that number, on a connection of its own."""
        headers = {"authorization": f"Bearer {self.key}", "traceparent": caller(number, sampled=sampled)}
        return httpx.post(self.gateway.base + PATH, json=CHAT | more, headers=headers, timeout=20)

    def spans(self, number: int) -> dict[str, Collected]:
        return {span.name: span for span in self.collector.of(f"{number:032x}", ROOT)}


def caller(number: int, *, sampled: bool = True) -> str:
    return f"00-{number:032x}-{number:016x}-0{sampled:d}"


@pytest.fixture(scope="module")
def running_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("tracing")
    with otlp_collector() as collector, stub_upstream() as first, stub_upstream() as second:
        config = {
            "providers": {
                "first": {"use": "openai_compatible", "base_url": first.url, "api_key": PROVIDER_KEY},
                "second": {"use": "openai_compatible", "base_url": second.url, "api_key": PROVIDER_KEY},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "1", "output": "2"}, "offers": {"first": {}, "second": {}}}},
            "billing": {"use": "credits"},
            "limits": {"enabled": True},
            "tracing": {
                "enabled": True,
                "endpoint": collector.url,
                "headers": {"x-api-key": COLLECTOR_KEY},
                "sample": 0,
                "export_s": 0.1,
            },
        }
        with GatewayProcess(folder, config, workers=2) as gateway:
            yield Running(gateway, collector, first, second, gateway.create_user("u@example.com", "--credits", "5"))


@pytest.fixture
def running(running_module: Running) -> Running:
    for stub in (running_module.first, running_module.second):
        stub.recover()
        stub.seen.clear()
    return running_module


def test_one_streamed_request(running: Running) -> None:
    answer = running.ask(0xA1, stream=True)
    assert answer.status_code == 200 and answer.text.rstrip().endswith("[DONE]")
    spans = running.spans(0xA1)
    root = spans.pop(ROOT)
    assert root.parent == f"{0xA1:016x}"
    assert {span.parent for span in spans.values()} == {root.id}
    assert {"admit: limits", "admit: hold", "route", "first", "settle"} <= spans.keys()
    assert {"authenticate", "authenticate from the store"} & spans.keys()
    assert not any(span.is_failed for span in (root, *spans.values()) if not span.name.startswith("authenticate"))
    assert root.attributes["http.response.status_code"] == 200
    assert root.attributes["gatewayz.request_id"] == answer.headers["x-request-id"]
    assert root.attributes["gen_ai.operation.name"] == "chat"
    assert root.attributes["gen_ai.response.model"] == MODEL
    assert root.attributes["gatewayz.charged_usd"] > 0
    assert root.resource["service.name"] == "gatewayz"
    attempt = spans["first"]
    assert attempt.attributes["gen_ai.provider.name"] == "first"
    assert attempt.attributes["gen_ai.request.model"] == MODEL
    assert attempt.attributes["gen_ai.usage.input_tokens"] == 9
    assert attempt.attributes["gen_ai.usage.output_tokens"] == 2
    assert attempt.attributes["gatewayz.outcome"] == "success"
    assert attempt.attributes["gatewayz.first_content_ms"] > 0
    for span in spans.values():
        assert root.start_ns <= span.start_ns <= span.end_ns


def test_the_provider_is_told_the_attempt_as_its_parent(running: Running) -> None:
    running.ask(0xB2)
    attempt = running.spans(0xB2)["first"]
    (seen,) = running.first.seen
    assert seen.headers["traceparent"] == f"00-{0xB2:032x}-{attempt.id}-01"


def test_a_failover_is_two_attempts(running: Running) -> None:
    running.first.fail(503)
    assert running.ask(0xC3).status_code == 200
    spans = running.spans(0xC3)
    failed, good = spans["first"], spans["second"]
    assert failed.is_failed and failed.attributes["gatewayz.outcome"] == "fault"
    assert failed.attributes["http.response.status_code"] == 503
    assert failed.attributes["error.type"]
    assert not good.is_failed and good.attributes["gen_ai.usage.output_tokens"] == 2
    assert "gen_ai.usage.output_tokens" not in failed.attributes
    assert spans[ROOT].attributes["gatewayz.attempts"] == 2
    told = [stub.seen[0].headers["traceparent"].split("-")[2] for stub in (running.first, running.second)]
    assert told == [failed.id, good.id]


def test_a_refused_request_has_its_span(running: Running) -> None:
    headers = {"authorization": "Bearer gw_live_" + "x" * 43, "traceparent": caller(0xD4)}
    assert httpx.post(running.gateway.base + PATH, json=CHAT, headers=headers).status_code == 401
    root = running.spans(0xD4)[ROOT]
    assert root.attributes["http.response.status_code"] == 401 and not root.is_failed
    assert running.ask(0xD5, model="no/such").status_code == 404
    assert running.spans(0xD5)[ROOT].attributes["http.response.status_code"] == 404


def test_a_translated_stream_is_an_attempt_too(running: Running) -> None:
    body = {"model": MODEL, "max_tokens": 9, "stream": True, "messages": [{"role": "user", "content": PROMPT}]}
    headers = {"x-api-key": running.key, "traceparent": caller(0xE5)}
    answer = httpx.post(f"{running.gateway.base}/v1/messages", json=body, headers=headers, timeout=20)
    assert "message_stop" in answer.text
    spans = {span.name: span for span in running.collector.of(f"{0xE5:032x}", "POST /v1/messages")}
    assert running.first.seen[0].headers["traceparent"].split("-")[2] == spans["first"].id
    assert spans["first"].attributes["gen_ai.usage.output_tokens"] == 2


def test_what_is_not_sampled_is_neither_recorded_nor_told(running: Running) -> None:
    running.ask(0xF6, sampled=False)
    answer = httpx.post(running.gateway.base + PATH, json=CHAT, headers={"x-api-key": running.key}, timeout=20)
    assert answer.status_code == 200
    running.ask(0xF7)
    running.spans(0xF7)
    assert not [span for span in running.collector.spans if span.trace_id == f"{0xF6:032x}"]
    assert all(re.fullmatch(r"0{29}\w{3}", span.trace_id) for span in running.collector.spans)
    assert ["traceparent" in seen.headers for seen in running.first.seen] == [False, False, True]


def test_every_worker_exports(running: Running) -> None:
    for number in range(0x100, 0x118):
        running.ask(number)
    found = [running.spans(number)[ROOT] for number in range(0x100, 0x118)]
    assert len({span.resource["service.instance.id"] for span in found}) == 2


def test_no_span_carries_a_prompt_or_a_secret(running: Running) -> None:
    running.first.fail(500, f"refused: {PROVIDER_KEY} said {PROMPT}")
    running.ask(0x200, model=f"router:{running.key}")
    running.ask(0x201)
    running.spans(0x201)
    assert running.collector.headers["x-api-key"] == COLLECTOR_KEY
    for secret in (PROMPT, PROVIDER_KEY, COLLECTOR_KEY, running.key):
        assert secret.encode() not in running.collector.raw


def test_a_collector_that_is_away_holds_nothing_up(tmp_path: Path, running: Running) -> None:
    config = msgspec.yaml.decode(running.gateway.path.read_bytes()) | {
        "data_dir": str(tmp_path / "var"),
        "store": {"url": f"sqlite+aiosqlite:///{tmp_path / 'gatewayz.db'}"},
        "tracing": {"enabled": True, "endpoint": "http://127.0.0.1:9/v1/traces", "export_s": 0.1, "timeout_s": 0.5},
    }
    with GatewayProcess(tmp_path, config) as gateway:
        key = gateway.create_user("u@example.com", "--credits", "5")
        answer = httpx.post(gateway.base + PATH, json=CHAT, headers={"x-api-key": key}, timeout=20)
        assert answer.status_code == 200
        assert gateway.stop() == 0
