"""The few routes of a model hub that the gateway calls, on a loopback socket. Source: huggingface.co/docs/hub/api."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

__all__ = ["MODELS", "HubServer", "hub_server"]


def _model(id: str, downloads: int, likes: int, **more: Any) -> dict[str, Any]:
    return {
        "id": id,
        "author": id.partition("/")[0],
        "downloads": downloads,
        "likes": likes,
        "pipeline_tag": "text-generation",
        "library_name": "transformers",
        "gated": False,
        "private": False,
        "createdAt": "2024-07-18T08:56:00.000Z",
        "lastModified": "2024-09-25T17:00:57.000Z",
        "tags": ["transformers", "license:llama3.1"],
        **more,
    }


MODELS = {
    model["id"]: model
    for model in (
        _model(
            "acme/Llama-Tuned-8B",
            9000,
            50,
            gated="manual",
            safetensors={"parameters": {"BF16": 8030261248}, "total": 8030261248},
            inferenceProviderMapping=[{"provider": "together", "status": "live"}, {"provider": "groq"}],
        ),
        _model("acme/llama-small", 20000, 5),
        _model("other/llama-vision", 100, 700, pipeline_tag="image-text-to-text"),
    )
}
CARD = "# Llama tuned\n\nA card with ümlauts.\n"
FILES = [
    {"rfilename": "README.md", "size": 40, "blobId": "b1"},
    {"rfilename": "model.safetensors", "blobId": "b2", "lfs": {"sha256": "ab", "size": 16060556376}},
]


class HubServer:
    """Remembers what it was asked; `status` other than 200 is its answer to everything."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: list[str] = []
        self.tokens: list[str | None] = []
        self.status = 200
        self.card = CARD

    def answer(self, target: str) -> tuple[int, dict[str, str], bytes]:
        self.seen.append(target)
        parts = urlsplit(target)
        path = unquote(parts.path)
        if self.status != 200:
            return self.status, {}, b"{}"
        if path == "/api/models":
            return self._json(self._list({name: values[-1] for name, values in parse_qs(parts.query).items()}))
        if path.startswith("/api/models/old/"):
            return 307, {"location": f"/api/models/acme/{path.rpartition('/')[2]}?{parts.query}"}, b""
        if path == "/api/models/evil/model":
            return 307, {"location": "http://127.0.0.2:1/steal"}, b""
        found = next((model for id, model in MODELS.items() if f"/{id}" in path), None)
        if path == "/api/organizations/acme/overview":
            return self._json(
                {"name": "acme", "fullname": "Acme Inc.", "avatarUrl": "/avatars/a.png", "numFollowers": 12}
            )
        if path == "/api/users/other/overview":
            return self._json({"user": "other", "fullname": "O. Ther", "numFollowers": 3})
        if found is None:
            return (401 if path.startswith("/api/models/") else 404), {}, b'{"error":"Repository not found"}'
        if path.endswith("/raw/main/README.md"):
            return 200, {"content-type": "text/plain"}, self.card.encode()
        return self._json({**found, "siblings": FILES} if "blobs=true" in parts.query else found)

    @staticmethod
    def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
        return 200, {"content-type": "application/json"}, msgspec.json.encode(value)

    @staticmethod
    def _list(asked: dict[str, str]) -> list[dict[str, Any]]:
        found = [
            model
            for model in MODELS.values()
            if asked.get("search", "").lower() in model["id"].lower()
            and asked.get("author") in (None, model["author"])
            and asked.get("pipeline_tag") in (None, model["pipeline_tag"])
        ]
        found.sort(key=lambda model: -model[asked.get("sort", "downloads").replace("trendingScore", "likes")])
        return found[: int(asked.get("limit", 10))]


@contextmanager
def hub_server() -> Iterator[HubServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            server.tokens.append(self.headers.get("authorization"))
            status, headers, body = server.answer(self.path)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = HubServer(f"http://127.0.0.1:{http.server_port}")
    thread = threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        thread.join(5)
        http.server_close()
