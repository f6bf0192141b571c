"""What tracing costs a request: `python -m benchmarks.tracing`.

One chat completion through the hot front, with a provider that answers at once and nothing kept: tracing off, on and
not sampled, and on. Prints microseconds of processor time, the best of several rounds (the sending thread
included, though what it sends goes nowhere), and nanoseconds of the one question asked when it is off; runs about 10 s.
"""

import asyncio
import sys
import time
import timeit
from dataclasses import replace
from typing import Any

import msgspec
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gatewayz.config.sections.tracing import Tracing
from gatewayz.flow.gateway import Gateway
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.telemetry.tracing.otel import OtelTracing
from gatewayz.web.exchange import KeepAlive
from gatewayz.web.hot import HotFront
from tests.fakes.flow import MODEL, Scene, WireFake
from tests.unit.flow.test_pipeline import WHOLE

BODY = msgspec.json.encode({"model": MODEL, "messages": [{"role": "user", "content": "hi"}]})
HEADERS = [(b"authorization", b"Bearer k"), (b"content-type", b"application/json")]
REQUESTS, ROUNDS = 500, 7


class Hangup:
    def subscribe(self, callback: Any) -> None:
        pass

    def unsubscribe(self) -> None:
        pass


async def measure(tracing: OtelTracing | None) -> float:
    """Return microseconds for one request."""
    scene, gateway = Scene(a=WireFake(WHOLE)), Gateway()

    async def close() -> None:
        pass

    async def behind(*_: Any) -> None:
        raise AssertionError("a hot route went past the front")

    gateway.install(replace(scene.edition, tracing=tracing), close)
    front = HotFront(behind, gateway, KeepAlive(), RequestRecord())
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(REQUESTS):
            await asyncio.create_task(ask(front))
        best = min(best, time.process_time() - started)
        for fake in scene.providers.values():
            fake.calls.clear()
            fake.replies.clear()
    return best / REQUESTS * 1e6


async def ask(front: HotFront) -> None:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": BODY, "more_body": False}

    async def send(message: Any) -> None:
        if message.get("status", 200) != 200:
            raise AssertionError(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/chat/completions",
        "query_string": b"",
        "headers": HEADERS,
        "client": ("127.0.0.1", 1),
        "extensions": {"gatewayz.hangup": Hangup()},
    }
    await front(scope, receive, send)


async def main() -> None:
    """Print the three figures."""
    edition = Scene(a=WireFake(WHOLE)).edition
    question = min(timeit.repeat(lambda: edition.tracing is not None, number=1_000_000, repeat=3))
    sys.stdout.write(f"the question   {question * 1000:7.1f} ns, a call of a function included\n")
    exporter = InMemorySpanExporter()
    settings = {"off": None, "not sampled": 0.0, "on": 1.0}
    for name, sample in settings.items():
        tracing = None if sample is None else OtelTracing(Tracing(sample=sample), exporter)
        sys.stdout.write(f"{name:12} {await measure(tracing):9.1f} us\n")
        if tracing is not None:
            await tracing.aclose()


if __name__ == "__main__":
    asyncio.run(main())
