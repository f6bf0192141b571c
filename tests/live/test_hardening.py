"""What a started gateway answers to malformed, hostile and slow clients, on raw sockets.

The server by itself is tested in `tests/unit/server`; here the whole product is in place, with every limit
as it is configured. `docs/hardening.md` says which test proves which promise.
"""

import asyncio
import gzip
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from gatewayz.config.sections.serving import Server
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.raw_http import connected, count_answers, error_of, status_of, talk
from tests.fakes.stub_upstream import Seen, StubUpstream, chat_stream, stub_upstream

pytestmark = pytest.mark.xdist_group("hardening")
MODEL = "acme/stub"
PATH = "/v1/chat/completions"
CHAT: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}]}
TIMEOUT_S = 0.6
WRITE_TIMEOUT_S = 0.8
DEEP = b"[" * 100_000 + b"]" * 100_000
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"


class Running(NamedTuple):
    gateway: GatewayProcess
    upstream: StubUpstream
    key: str

    @property
    def port(self) -> int:
        return self.gateway.port

    def post(self, path: str, body: bytes, content_type: str = "application/json", **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {self.key}", "content-type": content_type, **headers}
        return httpx.post(self.gateway.base + path, content=body, headers=sent, timeout=20)

    def request(self, body: bytes, *lines: bytes) -> bytes:
        """Return a whole inference request as bytes."""
        own = (b"Host: a", b"Authorization: Bearer " + self.key.encode(), b"Content-Type: application/json")
        return b"\r\n".join((b"POST /v1/chat/completions HTTP/1.1", *own, *lines, b"", body))

    def logged(self, mark: str) -> list[str]:
        """Return log lines with `mark`, waiting for the first."""
        found: list[str] = _soon(lambda: [line for line in self.gateway.log if mark in line])
        return found


def _soon(look: Any, within_s: float = 10.0) -> Any:
    end = time.monotonic() + within_s
    while not (found := look()) and time.monotonic() < end:
        time.sleep(0.05)
    return found


def config_of(upstream: StubUpstream) -> dict[str, Any]:
    return {
        "server": {
            "access_log": True,
            "head_timeout_s": TIMEOUT_S,
            "body_timeout_s": TIMEOUT_S,
            "write_timeout_s": WRITE_TIMEOUT_S,
        },
        "providers": {
            "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
            "local": {"enabled": False},
        },
        "models": {MODEL: {"price": {"input": "1", "output": "1"}, "offers": {"stub": {}}}},
        "billing": {"use": "credits"},
    }


@pytest.fixture(scope="module")
def running_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder: Path = tmp_path_factory.mktemp("hardening")
    with stub_upstream() as upstream, GatewayProcess(folder, config_of(upstream)) as gateway:
        yield Running(gateway, upstream, gateway.create_user("user@example.com", "--credits", "50"))


@pytest.fixture
def running(running_module: Running) -> Iterator[Running]:
    running_module.upstream.recover()
    running_module.upstream.seen.clear()
    httpx.post(f"{running_module.gateway.base}/circuit-breakers/reset-all").raise_for_status()
    yield running_module
    assert httpx.get(f"{running_module.gateway.base}/livez").status_code == 200  # whatever was sent, it still serves


# ------------------------------------------------------------------------------------ framing

BODY = msgspec.json.encode(CHAT)
LENGTH = b"Content-Length: %d" % len(BODY)
FRAMINGS: dict[str, tuple[int, tuple[bytes, ...]]] = {
    "length and chunked": (400, (LENGTH, b"Transfer-Encoding: chunked")),
    "list of lengths": (400, (b"Content-Length: 3, 3",)),
    "two lengths": (400, (LENGTH, LENGTH)),
    "signed length": (400, (b"Content-Length: +3",)),
    "coding before chunked": (400, (b"Transfer-Encoding: gzip, chunked",)),
    "space before colon": (400, (b"Content-Length : 3",)),
    "folded header": (400, (LENGTH, b"X: a", b" b")),
    "host label of 64": (400, (LENGTH, b"Host: " + b"a" * 64 + b".example")),
    "large head": (431, (LENGTH, b"X: " + b"a" * 70_000)),
    "many headers": (431, (LENGTH, *[b"X: y"] * 200)),
}


@pytest.mark.parametrize("name", FRAMINGS)
async def test_ambiguous_requests_reach_nobody(running: Running, name: str) -> None:
    status, lines = FRAMINGS[name]
    answer = await talk(running.port, running.request(BODY, *lines) + SMUGGLED)
    assert status_of(answer) == status
    assert count_answers(answer) == 1 and b"connection: close" in answer
    assert error_of(answer)["code"] == "MALFORMED_REQUEST"
    assert running.upstream.seen == []


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (400, b"get / HTTP/1.1"),
        (405, b"CONNECT example.com:443 HTTP/1.1"),
        (501, b"BREW / HTTP/1.1"),
        (505, b"GET / HTTP/9.9"),
        (400, b"PRI * HTTP/2.0"),
        (400, b"GET http://a/ HTTP/1.1"),
    ],
)
async def test_request_lines_that_are_not_served(running: Running, status: int, line: bytes) -> None:
    answer = await talk(running.port, line + b"\r\nHost: a\r\n\r\n" + SMUGGLED)
    assert status_of(answer) == status and count_answers(answer) == 1


async def test_a_host_label_beyond_63_characters_is_400_before_any_route(running: Running) -> None:
    answer = await talk(running.port, b"GET /v1/models HTTP/1.1\r\nHost: " + b"a" * 64 + b".example\r\n\r\n")
    assert status_of(answer) == 400


async def test_an_offer_of_h2c_is_answered_in_http11_and_closed(running: Running) -> None:
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA")
    answer = await talk(running.port, running.request(BODY, LENGTH, *offer) + SMUGGLED)
    assert status_of(answer) == 200 and count_answers(answer) == 1
    assert b"connection: close" in answer and b"HTTP/1.1 101" not in answer
    assert len(running.upstream.seen) == 1


async def test_no_answer_tells_what_serves(running: Running) -> None:
    asked = (b"/health", b"/v1/models", b"/nowhere", b"/user/profile")
    for path in asked:
        answer = await talk(running.port, b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % path)
        head = answer.partition(b"\r\n\r\n")[0].lower()
        assert b"\r\nserver:" not in head and b"\r\nx-powered-by:" not in head
    assert error_of(answer)["code"] == "API_KEY_MISSING"
    assert b"text/html" not in answer


async def test_a_path_cannot_forge_a_line_of_the_log(running: Running) -> None:
    forged = b'/forged%0d%0a127.0.0.1%20"GET%20/x%20HTTP/1.1"%20200'
    answer = await talk(running.port, b"GET %b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % forged)
    assert status_of(answer) == 404 and b"\r\n127.0.0.1" not in answer
    lines = running.logged("/forged")
    assert len(lines) == 1 and "%0d%0a127.0.0.1%20\\" in lines[0] and " 404 " in lines[0]
    assert not [line for line in running.gateway.log if line.startswith('127.0.0.1 "GET /x')]


# ------------------------------------------------------------------------------------ JSON

INNER = b'{"model":"acme/stub","messages":[{"role":"user","content":"ping"}],"x":%b}'
ODD: dict[str, bytes] = {
    "invalid UTF-8": INNER % b'"\xff"',
    "overlong UTF-8": INNER % b'"\xc0\xaf"',
    "UTF-16": (INNER % b"1").decode().encode("utf-16"),
    "gzip bytes": gzip.compress(INNER % b"1"),
    "100k levels": INNER % DEEP,
    "NaN": INNER % b"NaN",
    "Infinity": INNER % b"Infinity",
    "minus Infinity": INNER % b"-Infinity",
    "1e400": INNER % b"1e400",
    "lone surrogate": INNER % b'"\\ud800"',
    "name given twice": INNER % b'1,"model":"acme/other"',
    "unknown name given twice": INNER % b'1, "x": 2',
    "two values": INNER % b"1" + b"{}",
    "cut": (INNER % b"1")[:-1],
    "empty": b"",
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("path", [PATH, "/v1/completions", "/v1/responses", "/v1/embeddings", "/v1/messages"])
def test_odd_json_is_refused_on_inference_routes(running: Running, path: str, name: str) -> None:
    body = ODD[name]
    if path == "/v1/completions":
        body = body.replace(b'"messages":[{"role":"user","content":"ping"}]', b'"prompt":"ping"')
    elif path in ("/v1/responses", "/v1/embeddings"):
        body = body.replace(b'"messages":[{"role":"user","content":"ping"}]', b'"input":"ping"')
    elif path == "/v1/messages":
        body = body.replace(b'"messages"', b'"max_tokens":9,"messages"')
    answer = running.post(path, body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]
    assert running.upstream.seen == []


@pytest.mark.parametrize("name", ODD)
def test_odd_json_is_refused_on_own_routes(running: Running, name: str) -> None:
    answer = running.post("/user/api-keys", ODD[name])
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize("path", [PATH, "/user/api-keys"])
def test_bodies_that_are_not_json_are_415(running: Running, path: str) -> None:
    for kind in ("text/plain", "application/xml", "multipart/form-data; boundary=x"):
        answer = running.post(path, BODY, kind)
        assert answer.status_code == 415, answer.text
    assert running.post(path, gzip.compress(BODY), **{"content-encoding": "gzip"}).status_code == 415
    assert running.upstream.seen == []


# ------------------------------------------------------------------------------------ time


async def test_a_slow_head_and_a_slow_body_are_cut(running: Running) -> None:
    whole = running.request(BODY, LENGTH)
    for sent in (whole[:20], whole[:-5]):
        started = time.monotonic()
        async with connected(running.port) as client:
            client.send(sent)
            answer = await client.rest(10)
        assert status_of(answer) == 408 and b"connection: close" in answer
        assert TIMEOUT_S * 0.9 < time.monotonic() - started < TIMEOUT_S + 3
    assert running.upstream.seen == []


async def test_dripping_does_not_buy_a_body_more_time(running: Running) -> None:
    whole = running.request(BODY, LENGTH)
    started = time.monotonic()
    async with connected(running.port) as client:
        client.send(whole[: -len(BODY)])
        answered = asyncio.ensure_future(client.rest(10))
        for byte in BODY:
            client.send(bytes((byte,)))
            await asyncio.sleep(TIMEOUT_S / 10)
            if answered.done():
                break
        answer = await answered
    assert status_of(answer) == 408
    assert time.monotonic() - started < TIMEOUT_S + 3


def test_shipped_limits_are_those_that_were_promised() -> None:
    server = Server()
    assert server.backlog >= 2048
    assert server.head_timeout_s <= 30 and server.body_timeout_s <= 30
    assert server.graceful_timeout_s >= 30 and server.max_header_bytes <= 64 * 1024
    assert server.fast_http and not server.http2


def test_many_clients_at_once_are_let_in(running: Running) -> None:
    sockets = []
    try:
        for _ in range(400):
            sockets.append(socket.create_connection(("127.0.0.1", running.port), timeout=3))
        sockets[-1].sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert sockets[-1].recv(64).startswith(b"HTTP/1.1 200 ")
    finally:
        for each in sockets:
            each.close()


async def test_a_client_that_does_not_read_is_cut_and_pays_for_what_was_written(running: Running) -> None:
    words, spent_before = 20_000, spent(running)
    running.upstream.behave = lambda seen: (200, {}, list(long_stream(words)))
    body = msgspec.json.encode(CHAT | {"stream": True})
    writer = await open_with_small_window(running.port)
    writer.write(running.request(body, b"Content-Length: %d" % len(body)))
    await writer.drain()
    assert await asyncio.to_thread(_soon, lambda: running.upstream.seen)
    try:
        assert await asyncio.to_thread(running.upstream.seen[0].hung_up.wait, 15), "the provider was not let go"
    finally:
        writer.close()
    cost = await asyncio.to_thread(_soon, lambda: spent(running) - spent_before)
    everything = words * 1000 / 3 / 1e6  # dollars, at the price of a token
    assert 0 < cost < everything


def long_stream(words: int) -> Iterator[bytes]:
    """A stream of words of a thousand letters, 20 MB: more than sockets hold."""
    yield from list(chat_stream("stub", ["abcdefghi " * 100] * words))[:-3]


async def open_with_small_window(port: int) -> asyncio.StreamWriter:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    _, writer = await asyncio.open_connection(sock=sock, limit=1024)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    return writer


def spent(running: Running) -> float:
    answer = httpx.get(f"{running.gateway.base}/user/balance", headers={"authorization": f"Bearer {running.key}"})
    assert answer.status_code == 200, answer.text
    left: float = answer.json()["credits"]
    return 50.0 - left


# ------------------------------------------------------------------------------------ providers


@pytest.mark.parametrize("coding", ["br", "gzip", "deflate", "zstd"])
@pytest.mark.parametrize("stream", [False, True])
def test_compressed_answers_of_providers_are_refused_unread(running: Running, coding: str, stream: bool) -> None:
    bomb = gzip.compress(b"0" * 50_000_000)
    running.upstream.behave = lambda seen: (200, {"content-encoding": coding}, [bomb])
    before = resident_bytes(running.gateway.pid)
    answer = running.post(PATH, msgspec.json.encode(CHAT | {"stream": stream}))
    assert answer.status_code == 502, answer.text
    assert resident_bytes(running.gateway.pid) - before < 20_000_000
    assert {seen.headers["accept-encoding"] for seen in running.upstream.seen} == {"identity"}


def resident_bytes(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


# ------------------------------------------------------------------------------------ leaving


def test_sigterm_lets_a_running_stream_finish(tmp_path: Path, running: Running) -> None:
    def slow(seen: Seen) -> Any:
        first, second, *rest = chat_stream("stub", ["po", "ng"])
        return 200, {}, [first, second, 0.9, *rest]

    running.upstream.behave = slow
    with GatewayProcess(tmp_path, config_of(running.upstream)) as gateway:
        headers = {"authorization": f"Bearer {gateway.create_user('u@example.com', '--credits', '5')}"}
        body = CHAT | {"stream": True}
        with httpx.stream("POST", gateway.base + PATH, json=body, headers=headers, timeout=20) as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("data: ")
            os.kill(gateway.pid, signal.SIGTERM)
            rest = "\n".join(lines)
        assert rest.rstrip().endswith("data: [DONE]")
        assert gateway.stop() == 0
