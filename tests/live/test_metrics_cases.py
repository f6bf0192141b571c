"""Cases 13.1 to 13.5: what a gateway of two workers tells Prometheus, and the same figures parsed."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import Seen, StubUpstream, chat_stream, stub_upstream

pytestmark = pytest.mark.xdist_group("metrics")
MODEL = "acme/stub"
CHAT = "/v1/chat/completions"
CALLS, TOKENS_IN, TOKENS_OUT = 12, 9, 2
INJECTED_S = 0.1
SOON_S = 15.0
_BUCKET = "model_inference_duration_seconds_bucket"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


class Running(NamedTuple):
    gateway: GatewayProcess
    upstream: StubUpstream
    key: str

    def ask(self, **more: Any) -> httpx.Response:
        """Call on a connection of its own: either of the workers may take it."""
        body = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}], **more}
        headers = {"authorization": f"Bearer {self.key}"}
        return httpx.post(self.gateway.base + CHAT, json=body, headers=headers, timeout=20)

    def get(self, path: str, **headers: str) -> httpx.Response:
        reply = httpx.get(self.gateway.base + path, headers=headers, timeout=20)
        assert reply.status_code == 200, reply.text
        return reply

    def samples(self) -> Samples:
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in read_text(self.get("/metrics").text)
            for sample in family.samples
        }


def slow(seen: Seen) -> tuple[int, dict[str, str], list[bytes | float]]:
    """Answer after a tenth of a second."""
    if seen.body.get("stream"):
        return 200, {}, [INJECTED_S, *chat_stream("stub", ["po", "ng"])]
    choice = {"index": 0, "message": {"role": "assistant", "content": "pong"}, "finish_reason": "stop"}
    usage = {"prompt_tokens": TOKENS_IN, "completion_tokens": TOKENS_OUT, "total_tokens": TOKENS_IN + TOKENS_OUT}
    body = {"id": "c", "object": "chat.completion", "created": 1, "model": "stub", "choices": [choice], "usage": usage}
    return 200, {}, [INJECTED_S, msgspec.json.encode(body)]


def value(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of the samples of a name with these labels, and any others."""
    wanted = set(labels.items())
    return sum(found for (sample, has), found in samples.items() if sample == name and wanted <= has)


def settled(running: Running, requests: int) -> Samples:
    """Return the samples once every worker tells of so many requests that ended at the offer."""
    until, same = time.monotonic() + SOON_S, 0
    while time.monotonic() < until:
        samples = running.samples()
        told = value(samples, "model_inference_requests_total", model=MODEL)
        assert told <= requests, "no request is counted twice"
        same = same + 1 if told == requests else 0
        if same == 8:
            return samples
        time.sleep(0.1)
    raise AssertionError(f"{requests} requests are never told")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two workers after twelve good calls, half of them streams, two refused ones and one for an unknown model."""
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "1", "output": "3"}, "offers": {"stub": {}}}},
            "access": {"metrics": "public"},
        }
        with GatewayProcess(tmp_path_factory.mktemp("metrics"), config, workers=2) as gateway:
            made = Running(gateway, upstream, gateway.create_user())
            upstream.behave = slow
            for number in range(CALLS):
                assert made.ask(stream=number % 2 == 1).status_code == 200
            upstream.fail(400)
            assert [made.ask().status_code for _ in range(2)] == [400, 400]
            upstream.behave = slow
            assert made.ask(model="acme/none").status_code == 404
            yield made


def test_13_1_n_requests_move_every_counter_by_n(running: Running) -> None:
    samples = settled(running, CALLS + 2)
    assert value(samples, "gatewayz_workers") == 2
    for name, labels, expected in (
        ("http_requests_total", {"endpoint": CHAT, "method": "POST", "status": "200"}, CALLS),
        ("http_requests_total", {"endpoint": CHAT, "status": "400"}, 2),
        ("http_requests_total", {"endpoint": CHAT, "status": "404"}, 1),
        ("http_request_duration_seconds_count", {"endpoint": CHAT}, CALLS + 3),
        ("fastapi_requests_total", {"path": CHAT, "status_code": "200"}, CALLS),
        ("model_inference_requests_total", {"model": MODEL, "provider": "stub", "status": "success"}, CALLS),
        ("model_inference_requests_total", {"model": MODEL, "status": "error"}, 2),
        ("gatewayz_attempts_total", {"model": MODEL, "outcome": "success"}, CALLS),
        ("gatewayz_attempts_total", {"model": MODEL, "outcome": "caller_fault"}, 2),
        ("model_inference_duration_seconds_count", {"model": MODEL}, CALLS),
        ("time_to_first_chunk_seconds_count", {"model": MODEL}, CALLS // 2),
        ("tokens_used_total", {"model": MODEL, "token_type": "input"}, CALLS * TOKENS_IN),
        ("tokens_used_total", {"model": MODEL, "token_type": "output"}, CALLS * TOKENS_OUT),
        ("circuit_breaker_current_state", {"provider": "stub", "state": "CLOSED"}, 1),
        ("database_up", {}, 1),
    ):
        assert value(samples, name, **labels) == expected, (name, labels)
    cost = CALLS * (TOKENS_IN * 1 + TOKENS_OUT * 3) / 1_000_000
    for name in ("gatewayz_api_cost_usd_total", "credits_used_total"):
        assert value(samples, name, model=MODEL) == pytest.approx(cost), name
    rows = value(samples, "gatewayz_usage_rows_written_total") + value(samples, "gatewayz_usage_rows_pending")
    assert rows == CALLS + 2
    assert not any("acme/none" in dict(labels).values() for _, labels in samples), "callers make no labels"


def test_13_1_an_injected_latency_is_in_the_histogram(running: Running) -> None:
    samples = settled(running, CALLS + 2)
    buckets = {float(dict(has)["le"]): count for (name, has), count in samples.items() if name == _BUCKET}
    assert buckets[0.05] == 0 and buckets[2.5] == CALLS
    total = value(samples, "model_inference_duration_seconds_sum", model=MODEL)
    assert CALLS * INJECTED_S <= total < CALLS * 2


def test_13_1_counters_only_grow_whichever_worker_answers(running: Running) -> None:
    last: Samples = {}
    for _ in range(20):
        samples = running.samples()
        for key, before in last.items():
            if key[0].endswith(("_total", "_count", "_bucket")):
                assert samples[key] >= before, key
        last = samples


def test_13_1_both_formats_are_what_the_official_parsers_read(running: Running) -> None:
    text = running.get("/metrics")
    assert text.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "# HELP" in text.text and "# TYPE" in text.text and "# EOF" not in text.text
    asked = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2"
    reply = running.get("/metrics", accept=asked)
    assert reply.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    families = {family.name: family for family in read_openmetrics(reply.text)}
    assert families["http_requests"].type == "counter" and families["database_up"].type == "gauge"
    names = {family.name for family in read_text(text.text)}
    assert len(names) == len([line for line in text.text.splitlines() if line.startswith("# TYPE")])


def test_13_1_paths_that_callers_make_up_are_one_endpoint(running: Running) -> None:
    for number in range(5):
        assert httpx.get(f"{running.gateway.base}/made-up/{number}").status_code == 404
    until = time.monotonic() + SOON_S
    while value(running.samples(), "http_requests_total", endpoint="none", status="404") < 5:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert "made-up" not in running.get("/metrics").text


def test_13_2_parsed(running: Running) -> None:
    settled(running, CALLS + 2)
    parsed = running.get("/api/metrics/parsed").json()
    assert parsed["requests"][CHAT] == {"POST": CALLS + 3} and parsed["errors"][CHAT] == {"POST": 3}
    latency = parsed["latency"][CHAT]
    # A tenth of a second was injected into most calls; quantiles are within 5 %.
    assert INJECTED_S * 0.95 <= latency["p50"] <= latency["p95"] <= latency["p99"] < 2
    assert 0 < latency["avg"] < 2


def test_13_3_to_13_5_status_summary_and_health(running: Running) -> None:
    status = running.get("/api/metrics/status").json()
    assert (status["status"], status["mode"], status["workers"]) == ("healthy", "live", 2)
    summary = running.get("/api/metrics/summary").json()
    families = list(read_text(running.get("/metrics").text))
    assert summary["registered_metrics"] == len(families) and len(summary["metrics"]) == 20
    health = running.get("/api/metrics/health").json()
    assert health["status"] == "healthy"
    off = health["components"].pop("opentelemetry")
    assert (off["status"], off["enabled"]) == ("disabled", False)
    assert {part["status"] for part in health["components"].values()} == {"healthy"}


def test_the_figures_are_for_operators(tmp_path_factory: pytest.TempPathFactory) -> None:
    config = {"providers": {"local": {"enabled": False}}}
    with GatewayProcess(tmp_path_factory.mktemp("closed"), config) as gateway:
        admin = gateway.create_user("admin@example.com", "--role", "admin")
        for path in ("/metrics", "/api/metrics/parsed"):
            assert httpx.get(gateway.base + path).status_code == 401
            headers = {"authorization": f"Bearer {admin}"}
            assert httpx.get(gateway.base + path, headers=headers).status_code == 200
