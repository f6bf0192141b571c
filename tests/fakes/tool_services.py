"""A web search and a speech service on a loopback socket, as tools and mail plugins call them."""

import io
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

__all__ = ["HITS", "ToolServices", "sound", "tool_services"]

HITS = [
    {"title": f"Page {n}", "url": f"https://pages.example/{n}", "content": f"What page {n} says. " * 30, "score": 1 / n}
    for n in range(1, 9)
]


def sound(seconds: float = 0.5) -> bytes:
    """Return silence as WAV."""
    file = io.BytesIO()
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(8000)
        made.writeframes(b"\0\0" * int(8000 * seconds))
    return file.getvalue()


class ToolServices(ThreadingHTTPServer):
    """`status` other than 200 fails every call; `seen` has path, credential and body of each."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.seen: list[tuple[str, str | None, Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ToolServices

    def do_POST(self) -> None:
        body = msgspec.json.decode(self.rfile.read(int(self.headers["content-length"])))
        self.server.seen.append((self.path, self.headers["authorization"], body))
        if self.server.status != 200:
            return self._answer(self.server.status, b'{"detail": "key tvly-secret is bad"}')
        if self.path == "/v1/audio/speech":
            return self._answer(200, sound())
        if self.path == "/emails":
            return self._answer(200, b'{"id": "mail-1"}')
        # One result more than asked for: the tool has to hold to what was asked.
        answer = {"results": HITS[: body["max_results"] + 1], "answer": "In short." if body["include_answer"] else None}
        return self._answer(200, msgspec.json.encode(answer))

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def tool_services() -> Iterator[ToolServices]:
    """Start it; stop it."""
    with ToolServices() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(5)
