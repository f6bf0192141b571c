import asyncio
import ssl
from pathlib import Path

import pytest

from gatewayz.sdk.errors import UpstreamTimeout, UpstreamUnreachable
from gatewayz.sdk.wire import HttpRequest, Origin, Timeouts
from gatewayz.upstream.engine import Engine
from gatewayz.upstream.tls import make_tls_context
from tests.fakes.certificates import make_authority
from tests.fakes.scripted_server import Peer, scripted_server

QUICK = Timeouts(connect_s=2.0, first_byte_s=2.0, idle_s=2.0, total_s=5.0)


def get(host: str, port: int) -> HttpRequest:
    return HttpRequest(origin=Origin("https", host, port), target=b"/", headers=(), method=b"GET")


async def answer(peer: Peer) -> None:
    while await peer.request():
        await peer.answer(b"secret")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    return make_authority(tmp_path_factory.mktemp("ca"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_verified_and_kept(authority: tuple[Path, ssl.SSLContext], host: str) -> None:
    ca_file, context = authority
    engine = Engine(ca_file=str(ca_file))
    async with scripted_server(answer, tls=context) as server:
        for _ in range(3):
            reply = await engine.send(get(host, server.port), QUICK)
            assert await reply.read_all(100) == b"secret"
            reply.close()
        assert server.connections == 1
        await engine.aclose()


async def test_a_large_answer_over_tls(authority: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, context = authority
    engine = Engine(ca_file=str(ca_file))
    body = bytes(range(256)) * 20_000

    async def script(peer: Peer) -> None:
        while await peer.request():
            await peer.answer(body)

    async with scripted_server(script, tls=context) as server:
        for _ in range(2):
            reply = await engine.send(get("localhost", server.port), QUICK)
            assert await reply.read_all(1 << 24) == body
            reply.close()
        assert server.connections == 1
        await engine.aclose()


async def test_an_unknown_authority_is_refused(authority: tuple[Path, ssl.SSLContext]) -> None:
    engine = Engine()
    async with scripted_server(answer, tls=authority[1]) as server:
        with pytest.raises(UpstreamUnreachable) as caught:
            await engine.send(get("localhost", server.port), QUICK)
        assert isinstance(caught.value.__cause__, ssl.SSLError)
        assert engine.stats()[0].open == 0
    await engine.aclose()


async def test_a_wrong_name_is_refused(authority: tuple[Path, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = Engine(ca_file=str(authority[0]))

    async def here(host: str) -> tuple[str, ...]:
        return ("127.0.0.1",)

    monkeypatch.setattr(engine._resolver, "resolve", here)
    async with scripted_server(answer, tls=authority[1]) as server:
        with pytest.raises(UpstreamUnreachable):
            await engine.send(get("elsewhere.example", server.port), QUICK)
    await engine.aclose()


async def test_a_server_without_tls_is_refused(authority: tuple[Path, ssl.SSLContext]) -> None:
    engine = Engine(ca_file=str(authority[0]))

    async def script(peer: Peer) -> None:
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await peer.gone()

    async with scripted_server(script) as server:
        with pytest.raises(UpstreamUnreachable):
            await engine.send(get("127.0.0.1", server.port), QUICK)
    await engine.aclose()


async def test_a_hung_handshake_counts_as_connecting(authority: tuple[Path, ssl.SSLContext]) -> None:
    engine = Engine(ca_file=str(authority[0]))

    async def script(peer: Peer) -> None:
        await peer.gone()

    async with scripted_server(script) as server:
        with pytest.raises(UpstreamTimeout) as caught:
            await engine.send(get("127.0.0.1", server.port), Timeouts(connect_s=0.1))
        assert caught.value.phase == "connect"
        await server.until_open(0)
    await engine.aclose()


async def test_closing_mid_answer_is_seen_at_once(authority: tuple[Path, ssl.SSLContext]) -> None:
    ca_file, context = authority
    engine = Engine(ca_file=str(ca_file))
    seen = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\n\r\nhello")
        await peer.gone()
        seen.set()

    async with scripted_server(script, tls=context) as server:
        reply = await engine.send(get("localhost", server.port), QUICK)
        assert await reply.read() == b"hello"
        reply.close()
        await asyncio.wait_for(seen.wait(), 0.25)
    await engine.aclose()


def test_the_context_verifies(authority: tuple[Path, ssl.SSLContext]) -> None:
    context = make_tls_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert make_tls_context(str(authority[0])).cert_store_stats()["x509_ca"] == 1
    with pytest.raises(OSError, match="No such file"):
        make_tls_context("/no/such/file")
