"""Keys of token issuers, fetched by the gateway's own HTTP client over a real socket."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from gatewayz.config.sections.providers import Upstream
from gatewayz.sdk.errors import AuthenticationFailed, UpstreamBroken, UpstreamError, UpstreamUnreachable
from gatewayz.sdk.testing import FakeClock, plugin_context
from gatewayz.upstream.client import make_client
from gatewayz_plugins.identity.oidc.provider import OidcIdentity, OidcSettings
from tests.fakes.scripted_server import Peer, scripted_server

KEYS = {kid: ec.generate_private_key(ec.SECP256R1()) for kid in ("k1", "k2")}


class Issuer:
    """An OpenID issuer on a loopback socket, and the gateway's side of it."""

    def __init__(self) -> None:
        self.address = ""
        self.kids = ["k1"]
        self.asked: list[str] = []
        self.is_down = False
        self.keys_answer: bytes | None = None
        self.status = b"200 OK"
        self.lines: tuple[bytes, ...] = ()

    async def serve(self, peer: Peer) -> None:
        while (request := await peer.request()) is not None:
            path = request[0].split(b" ")[1].decode()
            self.asked.append(path)
            if self.is_down:
                return  # which closes the connection
            if path == "/keys":
                await peer.answer(self.keys_answer or self._keys(), *self.lines, status=self.status)
            else:
                found = {"issuer": self.address, "jwks_uri": f"{self.address}/keys"}
                await peer.answer(msgspec.json.encode(found))

    def token(self, kid: str = "k1", key: str | None = None, **changes: Any) -> str:
        claims = {"iss": self.address, "aud": "app", "sub": "ann", "exp": int(time.time()) + 600} | changes
        return jwt.encode(claims, KEYS[key or kid], algorithm="ES256", headers={"kid": kid})

    def _keys(self) -> bytes:
        to_jwk = jwt.algorithms.ECAlgorithm.to_jwk
        listed = [to_jwk(KEYS[kid].public_key(), as_dict=True) | {"kid": kid, "alg": "ES256"} for kid in self.kids]
        return msgspec.json.encode({"keys": listed})


class Bench:
    def __init__(self, issuer: Issuer, provider: OidcIdentity, clock: FakeClock) -> None:
        self.issuer, self.provider, self.clock = issuer, provider, clock

    async def who(self, token: str) -> str | None:
        """Return the subject, None for a token that is refused."""
        try:
            return (await self.provider.verify(token)).subject
        except AuthenticationFailed:
            return None


@asynccontextmanager
async def issuing() -> AsyncIterator[Bench]:
    issuer = Issuer()
    async with scripted_server(issuer.serve) as server:
        issuer.address = f"http://127.0.0.1:{server.port}"
        http = make_client(Upstream())
        context = plugin_context(http)
        clock = context.clock
        assert isinstance(clock, FakeClock)
        try:
            yield Bench(issuer, OidcIdentity(OidcSettings(issuer=issuer.address, client_id="app"), context), clock)
        finally:
            await http.aclose()


async def test_keys_are_found_by_discovery_and_kept() -> None:
    async with issuing() as bench:
        assert [await bench.who(bench.issuer.token()) for _ in range(3)] == ["ann"] * 3
        assert bench.issuer.asked == ["/.well-known/openid-configuration", "/keys"]
        assert await bench.who(bench.issuer.token(key="k2")) is None


async def test_first_tokens_that_come_together_ask_once() -> None:
    async with issuing() as bench:
        assert await asyncio.gather(*(bench.who(bench.issuer.token()) for _ in range(10))) == ["ann"] * 10
        assert len(bench.issuer.asked) == 2


async def test_a_rotated_key_is_taken_within_a_minute_and_the_old_one_ends_within_the_hour() -> None:
    async with issuing() as bench:
        assert await bench.who(bench.issuer.token("k1")) == "ann"
        bench.issuer.kids = ["k2"]
        assert await bench.who(bench.issuer.token("k1")) == "ann"
        bench.clock.advance(61)
        assert await bench.who(bench.issuer.token("k2")) == "ann"
        assert await bench.who(bench.issuer.token("k1")) is None


async def test_a_withdrawn_key_ends_when_the_kept_ones_are_old() -> None:
    async with issuing() as bench:
        bench.issuer.kids = ["k1", "k2"]
        assert await bench.who(bench.issuer.token("k1")) == "ann"
        bench.issuer.kids = ["k2"]
        bench.clock.advance(3599)
        assert await bench.who(bench.issuer.token("k1")) == "ann"
        bench.clock.advance(1)
        assert await bench.who(bench.issuer.token("k1")) is None


async def test_unknown_keys_are_looked_for_once_a_minute_however_many_ask() -> None:
    async with issuing() as bench:
        assert await bench.who(bench.issuer.token()) == "ann"
        forged = [bench.issuer.token(f"forged{n}", key="k2") for n in range(20)]
        for minute in range(3):
            bench.clock.advance(61)
            assert set(await asyncio.gather(*(bench.who(each) for each in forged))) == {None}
            assert bench.issuer.asked.count("/keys") == 2 + minute
        assert await bench.who(bench.issuer.token()) == "ann"


async def test_known_keys_go_on_while_the_issuer_is_down_and_new_ones_come_when_it_is_back() -> None:
    async with issuing() as bench:
        assert await bench.who(bench.issuer.token()) == "ann"
        bench.issuer.is_down = True
        bench.issuer.kids = ["k1", "k2"]
        for _ in range(3):
            bench.clock.advance(3601)
            assert await bench.who(bench.issuer.token()) == "ann"
            assert await bench.who(bench.issuer.token("k2")) is None
        bench.issuer.is_down = False
        bench.clock.advance(61)
        assert await bench.who(bench.issuer.token("k2")) == "ann"


async def test_without_any_key_a_silent_issuer_is_no_refusal_of_the_token() -> None:
    async with issuing() as bench:
        bench.issuer.is_down = True
        with pytest.raises(UpstreamError):
            await bench.provider.verify(bench.issuer.token())
        bench.issuer.is_down = False
        assert await bench.who(bench.issuer.token()) == "ann"


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (b"500 Internal Server Error", b"{}", UpstreamUnreachable),
        (b"200 OK", b"<html>", UpstreamBroken),
        (b"200 OK", b"[]", UpstreamBroken),
        (b"200 OK", b" " * 300_000, UpstreamError),
    ],
)
async def test_an_answer_that_is_no_key_set_is_the_issuers_fault(
    status: bytes, answer: bytes, error: type[UpstreamError]
) -> None:
    async with issuing() as bench:
        bench.issuer.status, bench.issuer.keys_answer = status, answer
        with pytest.raises(error):
            await bench.provider.verify(bench.issuer.token())


async def test_a_redirect_is_not_followed() -> None:
    async with issuing() as bench:
        bench.issuer.status, bench.issuer.lines = b"302 Found", (b"location: /elsewhere",)
        with pytest.raises(UpstreamUnreachable):
            await bench.provider.verify(bench.issuer.token())
        assert "/elsewhere" not in bench.issuer.asked
