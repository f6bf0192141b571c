import asyncio
from urllib.parse import parse_qs

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gatewayz.sdk.errors import ConfigurationError, UpstreamAuthFailed, UpstreamBroken, UpstreamUnreachable
from gatewayz.sdk.testing import Answer, FakeClock, FakeHttpClient
from gatewayz.sdk.wire import HttpReply, HttpRequest, Timeouts
from gatewayz_plugins.providers.google_vertex.tokens import AccessTokens, ServiceAccount, read_service_account

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ACCOUNT = ServiceAccount(
    client_email="svc@p.iam", private_key=PEM, private_key_id="k1", token_uri="https://oauth.test/token"
)
GRANT = Answer(pieces=(b'{"access_token": "ya29.first", "expires_in": 3600}',))


def tokens(http: FakeHttpClient, clock: FakeClock | None = None) -> AccessTokens:
    return AccessTokens(ACCOUNT, http, clock or FakeClock())


async def test_the_claim_is_what_google_wants() -> None:
    http = FakeHttpClient(GRANT)
    assert await tokens(http).token() == "ya29.first"
    request = http.requests[0]
    assert (request.origin.host, request.target) == ("oauth.test", b"/token")
    form = parse_qs(request.body.decode())
    assert form["grant_type"] == ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    claim = form["assertion"][0]
    assert jwt.get_unverified_header(claim) == {"alg": "RS256", "kid": "k1", "typ": "JWT"}
    decoded = jwt.decode(
        claim, KEY.public_key(), ["RS256"], audience="https://oauth.test/token", options={"verify_exp": False}
    )
    assert decoded["iss"] == "svc@p.iam"
    assert decoded["exp"] - decoded["iat"] == 3600


async def test_a_token_is_kept_until_five_minutes_before_its_end() -> None:
    http, clock = FakeHttpClient(GRANT), FakeClock()
    source = tokens(http, clock)
    await source.token()
    clock.advance(3600 - 301)
    await source.token()
    assert len(http.requests) == 1
    clock.advance(2)
    http.answer = Answer(pieces=(b'{"access_token": "ya29.second", "expires_in": 3600}',))
    assert await source.token() == "ya29.second"


class SlowClient(FakeHttpClient):
    async def send(self, request: HttpRequest, timeouts: Timeouts) -> HttpReply:
        await asyncio.sleep(0.01)
        return await super().send(request, timeouts)


async def test_many_callers_one_fetch() -> None:
    http = SlowClient(GRANT)
    source = tokens(http)
    assert set(await asyncio.gather(*(source.token() for _ in range(50)))) == {"ya29.first"}
    assert len(http.requests) == 1


async def test_a_caller_that_leaves_does_not_stop_the_others() -> None:
    http = SlowClient(GRANT)
    source = tokens(http)
    leaving = asyncio.create_task(source.token())
    staying = asyncio.create_task(source.token())
    await asyncio.sleep(0)
    leaving.cancel()
    assert await staying == "ya29.first"
    await source.aclose()


async def test_a_failed_fetch_is_tried_again_by_the_next_caller() -> None:
    http = FakeHttpClient(Answer(pieces=(b'{"error": "invalid_grant"}',), status=400))
    source = tokens(http)
    with pytest.raises(UpstreamAuthFailed):
        await source.token()
    http.answer = GRANT
    assert await source.token() == "ya29.first"


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"access_token": "a\\nb"}'])
async def test_junk_is_no_token(body: bytes) -> None:
    with pytest.raises(UpstreamBroken):
        await tokens(FakeHttpClient(Answer(pieces=(body,)))).token()


async def test_a_broken_answer() -> None:
    with pytest.raises(UpstreamUnreachable):
        await tokens(FakeHttpClient(Answer(ending="cut"))).token()


async def test_a_key_that_cannot_sign() -> None:
    account = ServiceAccount(client_email="x", private_key="junk")
    with pytest.raises(UpstreamAuthFailed) as caught:
        await AccessTokens(account, FakeHttpClient(GRANT), FakeClock()).token()
    assert "junk" not in str(caught.value)


def test_reading_a_key() -> None:
    assert read_service_account(msgspec.json.encode(ACCOUNT)) == ACCOUNT
    assert "PRIVATE" not in repr(ACCOUNT)


@pytest.mark.parametrize(
    "text",
    ["", "{}", '{"client_email": "a"}', '{"client_email":"a","private_key":"b","type":"authorized_user"}'],
)
def test_what_is_no_service_account(text: str) -> None:
    with pytest.raises(ConfigurationError):
        read_service_account(text)
