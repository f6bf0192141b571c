"""Guarantee 9: when every provider of a model is out, they are not called the more for it.

That another answers however the first breaks is in `tests/live/test_broken_upstreams.py`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

CALLS = 100
MODEL = "acme/stub"
MOST_PER_REQUEST = 1.2
PROBED = 20
"""Calls to an open breaker, of which one may be let through."""


class Outage:
    """Two providers of one model, with the shipped share of retries and breakers."""

    def __init__(self, gateway: GatewayProcess, first: StubUpstream, second: StubUpstream) -> None:
        self.stubs = (first, second)
        self.client = httpx.Client(base_url=gateway.base, headers={"x-api-key": gateway.create_user()}, timeout=20)

    def ask(self) -> int:
        body = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}]}
        return self.client.post("/v1/chat/completions", json=body).status_code

    def asked(self) -> int:
        return sum(len(stub.seen) for stub in self.stubs)


@contextmanager
def started(folder: Path, **breakers: Any) -> Iterator[Outage]:
    with stub_upstream() as first, stub_upstream() as second:
        provider = {"use": "openai_compatible", "api_key": "k"}
        config: dict[str, Any] = {
            "providers": {
                "first": {**provider, "base_url": first.url},
                "second": {**provider, "base_url": second.url},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "1", "output": "1"}, "offers": {"first": {}, "second": {}}}},
            "failover": {"retry_budget": {"min_per_s": 0}},
            "breakers": breakers,
        }
        with GatewayProcess(folder, config) as gateway:
            found = Outage(gateway, first, second)
            with found.client:
                yield found


def test_a_total_outage_is_not_amplified(tmp_path: Path) -> None:
    """The budget alone bounds it: no breaker opens here."""
    with started(tmp_path, failure_threshold=100_000, min_requests=100_000) as outage:
        for stub in outage.stubs:
            stub.fail(500)
        statuses = {outage.ask() for _ in range(CALLS)}
        assert statuses == {502}
        assert CALLS <= outage.asked() <= MOST_PER_REQUEST * CALLS


@pytest.fixture
def outage(tmp_path: Path) -> Iterator[Outage]:
    with started(tmp_path) as found:
        yield found


def test_an_open_breaker_is_hardly_called(outage: Outage) -> None:
    for stub in outage.stubs:
        stub.fail(500)
    while any(each["state"] != "OPEN" for each in _breakers(outage)):
        assert outage.ask() in (502, 503)
    before = [len(stub.seen) for stub in outage.stubs]
    statuses = [outage.ask() for _ in range(PROBED)]
    let_through = [len(stub.seen) - earlier for stub, earlier in zip(outage.stubs, before, strict=True)]
    assert max(let_through) <= 1
    assert statuses.count(503) >= PROBED - sum(let_through)


def _breakers(outage: Outage) -> list[dict[str, Any]]:
    return [outage.client.get(f"/circuit-breakers/{name}").json() for name in ("first", "second")]
