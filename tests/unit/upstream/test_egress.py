import asyncio
import ipaddress
import socket
import threading
from collections.abc import AsyncIterator, Callable

import pytest

from gatewayz.sdk.errors import InvalidRequest
from gatewayz.upstream.egress import EgressRefused, EgressRules, Fetcher, FetchFailed, is_public
from tests.fakes.scripted_server import Peer, scripted_server

LOOPBACK = ("127.0.0.0/8",)


@pytest.fixture
async def make() -> AsyncIterator[Callable[..., Fetcher]]:
    made: list[Fetcher] = []

    def make(**rules: object) -> Fetcher:
        made.append(Fetcher(EgressRules(**rules)))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for fetcher in made:
        await fetcher.aclose()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.0.1", False),
        ("198.18.0.1", False),
        ("224.0.0.1", False),
        ("239.1.1.1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("::8.8.8.8", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::808:808", True),
        ("64:ff9b:1::a00:1", False),
        ("2002:7f00:1::", False),
        ("2002:a00:1::", False),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", False),
        ("fc00::1", False),
        ("fd12::1", False),
        ("fe80::1", False),
        ("fec0::1", False),
        ("ff02::1", False),
        ("2001:db8::1", False),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/latest/meta-data",
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1:8080/",
        "http://0/",
        "http://2130706433/",
        "http://0x7f.1/",
        "file:///etc/passwd",
        "ftp://8.8.8.8/",
        "gopher://8.8.8.8/",
        "http://user:pw@8.8.8.8/",
        "http:///nohost",
        "//8.8.8.8/",
        "http://8.8.8.8:99999/",
        "http://[::1/",
        "http://8.8.8.8/a b",
        "http://8.8.8.8/a\r\nx: y",
        "http://" + "a" * 70 + ".example/",
        "http://8.8.8.8/" + "a" * 9000,
        "",
    ],
)
async def test_refused_urls(make: Callable[..., Fetcher], url: str) -> None:
    with pytest.raises(InvalidRequest):
        await make(timeout_s=2.0).fetch(url)


async def test_an_allowed_network_is_reached(make: Callable[..., Fetcher]) -> None:
    async def script(peer: Peer) -> None:
        while got := await peer.request():
            await peer.answer(got[0].split(b" ")[1], b"Content-Type: image/png")

    async with scripted_server(script) as server:
        fetched = await make(allowed_networks=LOOPBACK).fetch(f"http://127.0.0.1:{server.port}/a?b=c")
        assert (fetched.status, fetched.body) == (200, b"/a?b=c")
        assert fetched.header(b"content-type") == b"image/png"
        with pytest.raises(EgressRefused):
            await make().fetch(f"http://127.0.0.1:{server.port}/")
        assert server.connections == 1


async def test_a_name_is_judged_by_its_addresses(make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch) -> None:
    fetcher = make(timeout_s=1.0)

    async def look_up(host: str) -> tuple[str, ...]:
        return ("8.8.8.8", "127.0.0.1")

    monkeypatch.setattr(fetcher._engine._resolver, "_look_up", look_up)
    with pytest.raises(EgressRefused):
        await fetcher.fetch("http://rebound.example/")


async def test_redirects_are_refused_by_default(make: Callable[..., Fetcher]) -> None:
    async def script(peer: Peer) -> None:
        await peer.request()
        await peer.answer(b"", b"Location: /next", status=b"302 Found")

    async with scripted_server(script) as server:
        with pytest.raises(EgressRefused):
            await make(allowed_networks=LOOPBACK).fetch(f"http://127.0.0.1:{server.port}/")


async def test_followed_redirects_are_checked_and_lose_their_headers(make: Callable[..., Fetcher]) -> None:
    heads: list[bytes] = []
    targets: list[bytes] = []

    async def script(peer: Peer) -> None:
        while got := await peer.request():
            heads.append(got[0])
            path = got[0].split(b" ")[1]
            if path == b"/ok":
                await peer.answer(b"done")
            else:
                await peer.answer(b"", b"Location: " + targets.pop(0), status=b"302 Found")

    async with scripted_server(script) as server, scripted_server(script) as other:
        fetcher = make(allowed_networks=LOOPBACK, max_redirects=2)
        secret = ((b"authorization", b"Bearer x"),)
        targets[:] = [b"/again", b"/ok"]
        fetched = await fetcher.fetch(f"http://127.0.0.1:{server.port}/", headers=secret)
        assert (fetched.body, fetched.url) == (b"done", f"http://127.0.0.1:{server.port}/ok")
        assert b"Bearer x" in heads[-1]
        targets[:] = [b"http://127.0.0.1:%d/ok" % other.port]
        await fetcher.fetch(f"http://127.0.0.1:{server.port}/", headers=secret)
        assert b"Bearer" not in heads[-1]
        for evil in (b"http://10.0.0.1/", b"file:///etc/passwd", b"http://169.254.169.254/"):
            targets[:] = [evil]
            with pytest.raises(EgressRefused):
                await fetcher.fetch(f"http://127.0.0.1:{server.port}/")
        targets[:] = [b"/a"] * 5
        with pytest.raises(EgressRefused):
            await fetcher.fetch(f"http://127.0.0.1:{server.port}/")


async def test_size_and_time_are_bounded(make: Callable[..., Fetcher]) -> None:
    async def script(peer: Peer) -> None:
        got = await peer.request()
        assert got is not None
        if b"/slow" in got[0]:
            await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(100):
                await peer.send(b"x")
                await asyncio.sleep(0.01)
        else:
            await peer.answer(b"x" * 1000)

    async with scripted_server(script) as server:
        base = f"http://127.0.0.1:{server.port}"
        fetcher = make(allowed_networks=LOOPBACK, max_bytes=999, timeout_s=0.2)
        with pytest.raises(FetchFailed):
            await fetcher.fetch(f"{base}/large")
        with pytest.raises(FetchFailed):
            await fetcher.fetch(f"{base}/slow")
        assert len((await make(allowed_networks=LOOPBACK).fetch(f"{base}/large")).body) == 1000
        with pytest.raises(FetchFailed):
            await make(allowed_networks=LOOPBACK).fetch(f"{base}/large", max_bytes=10)


async def test_a_refused_connection_says_nothing_of_the_inside(make: Callable[..., Fetcher]) -> None:
    async def script(peer: Peer) -> None:
        return

    async with scripted_server(script) as server:
        port = server.port
    with pytest.raises(FetchFailed) as caught:
        await make(allowed_networks=LOOPBACK).fetch(f"http://127.0.0.1:{port}/")
    assert "127.0.0.1" not in caught.value.message
    assert caught.value.status == 400


@pytest.mark.parametrize(
    "url",
    ["http://hooks.example/", "https://127.0.0.1/", "https://[::ffff:10.0.0.1]/", "https://a:b@hooks.example/", ""],
)
async def test_who_types_a_url_that_is_not_fetched_is_told(make: Callable[..., Fetcher], url: str) -> None:
    with pytest.raises(EgressRefused):
        await make(schemes=("https",)).check(url)


async def test_a_url_that_would_be_fetched_passes_and_so_does_a_name_nobody_knows_yet(
    make: Callable[..., Fetcher],
) -> None:
    await make(allowed_networks=LOOPBACK).check("http://127.0.0.1:9/")
    await make().check("https://hooks.invalid/")


async def test_slow_names_leave_the_threads_of_the_loop_to_others(
    make: Callable[..., Fetcher], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_answered = threading.Event()

    def hang(host: str, port: object, **_: object) -> list[object]:
        is_answered.wait(10)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    fetcher = make(timeout_s=0.5)
    checks = asyncio.gather(*(fetcher.check(f"https://slow-{number}.example/") for number in range(60)))
    await asyncio.sleep(0.1)
    async with asyncio.timeout(5):
        assert await asyncio.to_thread(lambda: 1) == 1
        await checks
        await fetcher.aclose()
    is_answered.set()
