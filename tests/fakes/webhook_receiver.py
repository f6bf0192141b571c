"""A server that customers' webhooks go to: keeps what comes, answers what it is told to."""

import base64
import hashlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

__all__ = ["Received", "WebhookReceiver", "verifies", "webhook_receiver"]


class Received(msgspec.Struct, frozen=True):
    path: str
    headers: dict[str, str]
    body: bytes
    status: int

    @property
    def event(self) -> dict[str, Any]:
        decoded: dict[str, Any] = msgspec.json.decode(self.body)
        return decoded

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]


class WebhookReceiver:
    def __init__(self) -> None:
        self.taken: list[Received] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.answer = b""
        self.url = ""

    def of(self, path: str, type: str | None = None) -> list[Received]:
        return [each for each in self.taken if each.path == path and (type is None or each.event["type"] == type)]

    def wait(self, look: Callable[[], Any], within_s: float = 30) -> Any:
        until = time.monotonic() + within_s
        while not (found := look()) and time.monotonic() < until:
            time.sleep(0.05)
        return found


def verifies(received: Received, secret: str) -> bool:
    """As Standard Webhooks has it, written anew from its text."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{received.id}.{received.headers['webhook-timestamp']}.".encode() + received.body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    recent = abs(time.time() - int(received.headers["webhook-timestamp"])) < 300
    return recent and expected in received.headers["webhook-signature"].split(" ")


@contextmanager
def webhook_receiver() -> Iterator[WebhookReceiver]:
    receiver = WebhookReceiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.taken.append(Received(self.path, headers, body, receiver.status))
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(receiver.answer)))
            self.end_headers()
            self.wfile.write(receiver.answer)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
