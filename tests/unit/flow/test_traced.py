"""Which spans a request leaves, whatever becomes of it; and that it is the same request."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gatewayz.config.sections.tracing import Tracing
from gatewayz.flow.pipeline import answer
from gatewayz.flow.traced import trace_request
from gatewayz.flow.values import Reply
from gatewayz.sdk.errors import GatewayzError, UpstreamBroken
from gatewayz.sdk.wire import HttpRequest, Origin, Timeouts
from gatewayz.telemetry.tracing.otel import OtelTracing
from gatewayz.telemetry.tracing.outgoing import TRACE_HEADERS, TracingClient
from tests.fakes.flow import CALLER, Scene, WireFake
from tests.unit.flow.test_pipeline import GOOD_STREAM, PO, ROLE, WHOLE

PARENT = [(b"traceparent", b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01")]


class Traced:
    """Runs requests of a scene, and gives the spans they left."""

    def __init__(self, tracing: OtelTracing, exporter: InMemorySpanExporter) -> None:
        self.tracing = tracing
        self.exporter = exporter

    async def ask(self, scene: Scene, *, leave: bool = False, **body: Any) -> bytes | GatewayzError:
        """Return the whole answer; `leave` after the first block."""

        async def run() -> bytes | GatewayzError:
            trace = self.tracing.begin(PARENT, method="POST", path="/v1/x", request_id="req_1")
            assert trace is not None
            edition = trace_request(scene.edition, trace, lambda: None if leave else 200)
            try:
                reply = await answer(scene.inbound(**body), CALLER, edition)
            except GatewayzError as error:
                return error
            return await read(reply, leave)

        answered = await asyncio.create_task(run())
        await scene.background.drain(5)
        await asyncio.sleep(0)  # callbacks of the task come after its result
        return answered

    async def spans(self) -> dict[str, ReadableSpan]:
        await self.tracing.aclose()
        return {span.name: span for span in self.exporter.get_finished_spans()}


async def read(reply: Reply, leave: bool) -> bytes:
    if isinstance(reply.body, bytes):
        return reply.body
    blocks = []
    async for block in reply.body:
        blocks.append(block)
        if leave:
            break
    await reply.body.aclose()
    return b"".join(blocks)


@pytest.fixture
def traced() -> Iterator[Traced]:
    exporter = InMemorySpanExporter()
    yield Traced(OtelTracing(Tracing(), exporter), exporter)


def facts(span: ReadableSpan) -> dict[str, Any]:
    return dict(span.attributes or {})


@pytest.mark.parametrize("stream", [False, True])
async def test_a_traced_request_is_answered_as_any_other(traced: Traced, stream: bool) -> None:
    script = GOOD_STREAM if stream else WHOLE
    plain = await read(await answer(scene_of(script).inbound(stream=stream), CALLER, scene_of(script).edition), False)
    scene = scene_of(script)
    assert await traced.ask(scene, stream=stream) == plain
    spans = await traced.spans()
    assert set(spans) == {"POST /v1/x", "admit: hold", "route", "a", "settle"}
    assert facts(spans["a"])["gen_ai.usage.output_tokens"] > 0
    assert len(scene.records.settlements) == len(scene.records.attempts) == 1


def scene_of(script: Any) -> Scene:
    return Scene(a=WireFake(script))


async def test_a_caller_that_leaves_is_499_and_its_settlement_is_in_the_trace(traced: Traced) -> None:
    scene = Scene(a=WireFake((ROLE, PO, asyncio.Event())))
    await traced.ask(scene, leave=True, stream=True)
    spans = await traced.spans()
    assert facts(spans["POST /v1/x"])["http.response.status_code"] == 499
    assert facts(spans["a"])["gatewayz.outcome"] == "abandoned"
    assert "settle" in spans and not spans["a"].status.description


async def test_a_call_that_nobody_answers_ends_all_its_spans(traced: Traced) -> None:
    scene = Scene(a=WireFake(UpstreamBroken("secret words")), b=WireFake(UpstreamBroken("secret words")))
    error = await traced.ask(scene)
    assert isinstance(error, GatewayzError)
    spans = await traced.spans()
    assert {"POST /v1/x", "a", "b", "settle: void"} <= set(spans)
    assert facts(spans["a"])["error.type"] and "secret" not in str([span.to_json() for span in spans.values()])
    assert facts(spans["POST /v1/x"])["gatewayz.attempts"] == 2


async def test_only_requests_of_an_attempt_carry_its_headers(traced: Traced) -> None:
    sent: list[Any] = []

    class Client:
        async def send(self, request: Any, timeouts: Timeouts) -> Any:
            sent.append(dict(request.headers))

    class Asking(WireFake):
        async def exchange(self, call: Any, context: Any) -> Any:
            await client.send(request, context.timeouts)
            return await super().exchange(call, context)

    client = TracingClient(Client())
    request = HttpRequest(origin=Origin("http", "a", 80), target=b"/", headers=())
    await traced.ask(Scene(a=Asking(WHOLE)))
    await client.send(request, Timeouts())
    assert TRACE_HEADERS.get() == ()
    attempt = (await traced.spans())["a"].context
    assert sent == [{b"traceparent": b"00-" + b"a" * 32 + b"-%016x-01" % attempt.span_id}, {}]


async def test_what_a_part_can_do_beside_stays_possible(traced: Traced) -> None:
    scene = Scene(a=WireFake(WHOLE))
    trace = traced.tracing.begin(PARENT, method="POST", path="/v1/x", request_id="req_1")
    assert trace is not None
    edition = trace_request(scene.edition, trace, lambda: 200)
    assert edition.providers["a"].capabilities is scene.edition.providers["a"].capabilities
    assert not hasattr(edition.providers["a"], "embed") and list(edition.providers) == ["a"]
    edition.billing.mark(await edition.billing.authorize(7, 5, "k"), 3)  # type: ignore[arg-type]
    assert scene.billing.marks == [3]
    assert replace(edition, tracing=None).limits is None


def test_where_it_is_off_nothing_is_imported() -> None:
    code = "import sys, gatewayz.app; print([name for name in sys.modules if name.startswith('opentelemetry')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
