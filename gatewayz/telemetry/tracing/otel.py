"""Spans by OpenTelemetry's SDK, sent over OTLP by a thread of its own. Needs the extra `otel`."""

import asyncio
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gatewayz import __version__
from gatewayz.config.sections.tracing import Tracing as TracingSettings
from gatewayz.sdk.wire import Headers
from gatewayz.telemetry.redact import redact
from gatewayz.telemetry.tracing import names

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter

__all__ = ["OtelTrace", "OtelTracing"]

_PROPAGATOR: Final = TraceContextTextMapPropagator()
_CARRIED: Final = frozenset((b"traceparent", b"tracestate"))
_BATCH: Final = 512
_FAILED_FROM: Final = 500


class OtelTracing:
    """Begins traces; one for each process.

    :param exporter: in place of the one that the settings name.
    """

    def __init__(self, settings: TracingSettings, exporter: "SpanExporter | None" = None) -> None:
        resource = {
            "service.name": settings.service_name,
            "service.version": __version__,
            "service.instance.id": f"{os.uname().nodename}:{os.getpid()}",
        }
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(settings.sample)),
            resource=Resource.create(resource),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(
            BatchSpanProcessor(
                exporter or _exporter(settings),
                max_queue_size=settings.max_pending,
                max_export_batch_size=min(_BATCH, settings.max_pending),
                schedule_delay_millis=settings.export_s * 1000,
            )
        )
        self._tracer = self._provider.get_tracer("gatewayz", __version__)

    def begin(
        self, headers: Iterable[tuple[bytes, bytes]], *, method: str, path: str, request_id: str
    ) -> "OtelTrace | None":
        """Return the trace of a request, None when it is not sampled.

        :param headers: of the request (names in lower case); a `traceparent` among them is the parent.
        """
        carried = {name.decode(): value.decode("latin-1") for name, value in headers if name in _CARRIED}
        attributes = {names.METHOD: method, names.PATH: path, names.REQUEST_ID: request_id}
        parent = _PROPAGATOR.extract(carried, Context())
        root = self._tracer.start_span(f"{method} {path}", parent, SpanKind.SERVER, attributes)
        return OtelTrace(self._tracer, root) if root.is_recording() else None

    async def aclose(self) -> None:
        """Send what is pending; an export that hangs ends at its time-out."""
        await asyncio.to_thread(self._provider.shutdown)


def _exporter(settings: TracingSettings) -> OTLPSpanExporter:
    headers = {name: value.reveal() for name, value in settings.headers.items()}
    return OTLPSpanExporter(endpoint=settings.endpoint, headers=headers, timeout=settings.timeout_s)


class OtelTrace:
    """Spans of one request below its root. See `Trace`."""

    __slots__ = ("_context", "_root", "_tracer")

    def __init__(self, tracer: Any, root: Span) -> None:
        self._tracer = tracer
        self._root = root
        self._context = set_span_in_context(root, Context())

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step; what it raises marks it as failed, by class alone."""
        span = self._tracer.start_span(name, self._context)
        try:
            yield
        except BaseException as error:
            _mark(span, str(getattr(error, "code", None) or type(error).__name__))
            raise
        finally:
            span.end()

    def open_attempt(self, name: str, start_ns: int | None = None) -> Span:
        """Return the span of a call to a provider."""
        span: Span = self._tracer.start_span(name, self._context, SpanKind.CLIENT, start_time=start_ns)
        return span

    def headers_of(self, attempt: Span) -> Headers:
        """Return what tells the provider that the attempt is its parent."""
        carrier: dict[str, str] = {}
        _PROPAGATOR.inject(carrier, set_span_in_context(attempt, Context()))
        return tuple((name.encode(), value.encode("latin-1")) for name, value in carrier.items())

    def end_attempt(self, attempt: Span, facts: Mapping[str, Any], error: str | None, end_ns: int) -> None:
        """End the span of an attempt that was over at `end_ns`."""
        attempt.set_attributes(_shown(facts))
        if error is not None:
            _mark(attempt, error)
        attempt.end(end_ns)

    def end(self, facts: Mapping[str, Any], status: int, error: str | None, end_ns: int) -> None:
        """End the request's own span."""
        self._root.set_attributes({**_shown(facts), names.STATUS: status})
        if status >= _FAILED_FROM:
            _mark(self._root, error or str(status))
        elif error is not None:
            self._root.set_attribute(names.ERROR, error)
        self._root.end(end_ns)


def _mark(span: Span, error: str) -> None:
    span.set_attribute(names.ERROR, error)
    span.set_status(Status(StatusCode.ERROR))


def _shown(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is known of the facts, as it may leave the process."""
    return {name: redact(fact) if isinstance(fact, str) else fact for name, fact in facts.items() if fact is not None}
