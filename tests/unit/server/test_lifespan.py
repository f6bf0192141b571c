"""The application's start and stop."""

from typing import Any

import pytest

from gatewayz.server.asgi import Receive, Scope, Send
from gatewayz.server.lifespan import Lifespan, LifespanError
from tests.fakes.asgi_apps import answer, echo
from tests.fakes.raw_http import serving, talk


async def test_start_state_and_stop_reach_the_application() -> None:
    events: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for _ in range(2):
                message = await receive()
                events.append(message["type"])
                scope["state"]["pool"] = "opened"
                await send({"type": message["type"] + ".complete"})
        else:
            await answer(send, scope["state"]["pool"].encode())

    async with serving(app) as port:
        assert (await talk(port, b"GET / HTTP/1.0\r\n\r\n")).endswith(b"opened")
    assert events == ["lifespan.startup", "lifespan.shutdown"]


async def test_an_application_without_lifespan_is_served() -> None:
    async with serving(echo) as port:
        assert b"200 OK" in await talk(port, b"GET / HTTP/1.0\r\n\r\n")


@pytest.mark.parametrize("fast_http", [True, False])
async def test_a_reported_failure_stops_the_server(fast_http: bool) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.failed", "message": "no database"})

    with pytest.raises(LifespanError, match="no database"):
        async with serving(app, fast_http=fast_http):
            pass


async def test_a_raised_failure_stops_the_server(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        raise ValueError("broken")

    with pytest.raises(LifespanError, match="broken"):
        async with serving(app):
            pass
    assert "failed to start" in caplog.text


async def test_a_start_that_hangs_is_given_up() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await receive()

    with pytest.raises(LifespanError, match="not ready"):
        await Lifespan(app, {}).start(0.05)


async def test_a_stop_that_hangs_or_fails_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        state: dict[str, Any] = scope["state"]
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        if state["fail"]:
            await send({"type": "lifespan.shutdown.failed", "message": "lost a pool"})
        await receive()

    for fail in (True, False):
        lifespan = Lifespan(app, {"fail": fail})
        await lifespan.start(1)
        await lifespan.stop(0.05)
    assert "lost a pool" in caplog.text
    assert "did not close" in caplog.text
