"""An OTLP collector on a loopback socket that keeps the spans it is sent."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

__all__ = ["Collected", "Collector", "otlp_collector"]


class Collected:
    """One span."""

    def __init__(self, span: Any, resource: dict[str, Any]) -> None:
        self.name: str = span.name
        self.trace_id: str = span.trace_id.hex()
        self.id: str = span.span_id.hex()
        self.parent: str = span.parent_span_id.hex()
        self.attributes = _plain(span.attributes)
        self.resource = resource
        self.is_failed = span.status.code == 2
        self.start_ns: int = span.start_time_unix_nano
        self.end_ns: int = span.end_time_unix_nano


class Collector:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}/v1/traces"
        self.spans: list[Collected] = []
        self.raw = b""
        self.headers: dict[str, str] = {}
        self._arrived = threading.Condition()

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        with self._arrived:
            self.raw += body
            self.headers = headers
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                facts = _plain(resource.resource.attributes)
                for scope in resource.scope_spans:
                    self.spans += [Collected(span, facts) for span in scope.spans]
            self._arrived.notify_all()

    def of(self, trace_id: str, root: str, within_s: float = 15.0) -> list[Collected]:
        """Return the spans of a trace once the one named `root` has come; it ends last."""
        with self._arrived:
            found = self._arrived.wait_for(lambda: self._find(trace_id, root), within_s)
            assert found, f"no span {root!r} of {trace_id}; there are {[span.name for span in self.spans]}"
            return [span for span in self.spans if span.trace_id == trace_id]

    def _find(self, trace_id: str, name: str) -> bool:
        return any(span.trace_id == trace_id and span.name == name for span in self.spans)


def _plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def otlp_collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            collector.take(body, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
