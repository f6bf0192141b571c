"""The ASGI front, without a server: what is sent for whole answers, streams, errors, silence and hang-ups."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from gatewayz.flow.gateway import Gateway
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.web.exchange import KeepAlive
from gatewayz.web.hot import HotFront
from tests.fakes.flow import MODEL, Scene, WireFake
from tests.unit.flow.test_pipeline import DONE, GOOD_STREAM, NG, PO, ROLE, STOP, WHOLE


class Wire:
    """One request's ASGI ends."""

    def __init__(self, body: bytes, hangup: bool = True) -> None:
        self.sent: list[dict[str, Any]] = []
        self.callbacks: list[Callable[[], None]] = []
        self._body = [body]
        self.gone = asyncio.Event()
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": "/v1/chat/completions",
            "headers": [(b"authorization", b"Bearer k"), (b"content-type", b"application/json")],
            "client": ("127.0.0.1", 1),
            "extensions": {"gatewayz.hangup": self} if hangup else {},
        }

    def subscribe(self, callback: Callable[[], None]) -> None:
        self.callbacks.append(callback)

    def unsubscribe(self) -> None:
        self.callbacks.clear()

    async def receive(self) -> dict[str, Any]:
        if self._body:
            return {"type": "http.request", "body": self._body.pop(), "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        self.sent.append(dict(message))

    @property
    def status(self) -> int:
        return int(self.sent[0]["status"])

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])

    @property
    def body(self) -> bytes:
        return b"".join(m.get("body", b"") for m in self.sent[1:])


def front(scene: Scene, keep_alive: KeepAlive | None = None) -> HotFront:
    gateway = Gateway()

    async def close() -> None:
        return None

    async def behind(*_: Any) -> None:
        raise AssertionError("a hot route went past the front")

    gateway.install(scene.edition, close)
    return HotFront(behind, gateway, keep_alive or KeepAlive(), RequestRecord())


def request(**body: Any) -> bytes:
    return msgspec.json.encode({"model": MODEL, "messages": [{"role": "user", "content": "hi"}], **body})


async def ask(scene: Scene, wire: Wire) -> Wire:
    await front(scene)(wire.scope, wire.receive, wire.send)
    return wire


async def test_a_whole_answer_has_its_length_and_its_facts() -> None:
    wire = await ask(Scene(a=WireFake(WHOLE)), Wire(request()))
    assert wire.status == 200 and int(wire.headers[b"content-length"]) == len(wire.body)
    assert wire.headers[b"x-provider"] == b"a" and wire.headers[b"x-model"] == MODEL.encode()
    assert wire.headers[b"x-request-id"] == wire.headers[b"request-id"]


async def test_a_stream_is_never_cached_or_buffered() -> None:
    wire = await ask(Scene(a=WireFake(GOOD_STREAM)), Wire(request(stream=True)))
    assert wire.headers[b"content-type"].startswith(b"text/event-stream")
    assert wire.headers[b"cache-control"] == b"no-cache, no-transform" and wire.headers[b"x-accel-buffering"] == b"no"
    assert wire.body.endswith(DONE) and wire.sent[-1]["more_body"] is False


async def test_errors_are_answers() -> None:
    wire = await ask(Scene(a=WireFake(WHOLE)), Wire(b"{"))
    assert wire.status == 400 and msgspec.json.decode(wire.body)["error"]["code"] == "invalid_json"


async def test_what_nobody_foresaw_is_a_500_without_details(caplog: pytest.LogCaptureFixture) -> None:
    wire = await ask(Scene(a=WireFake(ValueError("secret detail"))), Wire(request()))
    assert wire.status == 500 and b"secret detail" not in wire.body and "secret detail" in caplog.text


@pytest.mark.parametrize("extension", [True, False])
async def test_a_hang_up_stops_the_work(extension: bool) -> None:
    scene = Scene(a=WireFake((ROLE, PO, asyncio.Event())))
    wire = Wire(request(stream=True), hangup=extension)
    task = asyncio.ensure_future(front(scene)(wire.scope, wire.receive, wire.send))
    while not wire.sent:  # noqa: ASYNC110  the list of sent messages has no event
        await asyncio.sleep(0)
    if extension:
        wire.callbacks[0]()
    wire.gone.set()
    await asyncio.wait_for(task, 2)
    await scene.background.drain(5)
    assert scene.providers["a"].replies[0].is_closed
    assert scene.records.settlements[0].status == 499


async def test_silence_is_filled_before_and_after_the_first_content() -> None:
    first, second = asyncio.Event(), asyncio.Event()
    scene = Scene(a=WireFake((first, ROLE, PO, second, NG, STOP, DONE)))
    keep_alive = KeepAlive()
    wire = Wire(request(stream=True))
    task = asyncio.ensure_future(front(scene, keep_alive)(wire.scope, wire.receive, wire.send))
    for gate in (first, second):
        await asyncio.sleep(0.01)
        keep_alive.tick()
        scene.clock.advance(16)
        keep_alive.tick()
        keep_alive.tick()
        await asyncio.sleep(0.01)
        gate.set()
    await asyncio.wait_for(task, 2)
    assert wire.status == 200 and wire.body.count(b": keep-alive\n\n") == 2
    assert wire.body.endswith(DONE) and [m["type"] for m in wire.sent].count("http.response.start") == 1


async def test_an_error_after_a_keep_alive_is_an_event() -> None:
    gate = asyncio.Event()
    scene = Scene(a=WireFake(gate))
    keep_alive = KeepAlive()
    wire = Wire(request(stream=True))
    task = asyncio.ensure_future(front(scene, keep_alive)(wire.scope, wire.receive, wire.send))
    await asyncio.sleep(0.01)
    scene.clock.advance(16)
    keep_alive.tick()
    await asyncio.sleep(0.01)
    gate.set()
    await asyncio.wait_for(task, 2)
    assert wire.status == 200 and b'data: {"error"' in wire.body and b"[DONE]" not in wire.body


async def test_a_whole_answer_is_never_begun_by_a_keep_alive() -> None:
    gate = asyncio.Event()
    scene = Scene(a=WireFake(gate))
    keep_alive = KeepAlive()
    wire = Wire(request())
    task = asyncio.ensure_future(front(scene, keep_alive)(wire.scope, wire.receive, wire.send))
    await asyncio.sleep(0.01)
    scene.clock.advance(100)
    keep_alive.tick()
    await asyncio.sleep(0.01)
    assert wire.sent == []
    gate.set()
    await asyncio.wait_for(task, 2)
    assert wire.status == 502


async def test_too_much_work_at_once_is_refused_early() -> None:
    def small(plain: dict[str, Any]) -> None:
        plain["server"] = {"max_concurrent_requests": 1}

    scene = Scene(small, a=WireFake(asyncio.Event()))
    app = front(scene)
    waiting = Wire(request())
    task = asyncio.ensure_future(app(waiting.scope, waiting.receive, waiting.send))
    await asyncio.sleep(0.01)
    wire = Wire(request())
    await app(wire.scope, wire.receive, wire.send)
    assert wire.status == 503 and wire.headers[b"retry-after"] == b"5"
    waiting.callbacks[0]()
    await asyncio.wait_for(task, 2)
    assert app._requests.working == 0
