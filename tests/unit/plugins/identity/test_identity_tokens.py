import hmac
import time
from base64 import urlsafe_b64encode
from typing import Any

import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gatewayz.sdk.errors import AuthenticationFailed, UpstreamBroken, UpstreamUnreachable
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.testing import Answer, FakeClock, FakeHttpClient, plugin_context
from gatewayz.sdk.wire import HttpRequest
from gatewayz_plugins.identity.development.provider import DevelopmentIdentity, DevelopmentSettings
from gatewayz_plugins.identity.oidc.provider import OidcIdentity, OidcSettings
from gatewayz_plugins.identity.privy.provider import PrivyIdentity, PrivySettings

KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())
SECRET = "0123456789abcdef0123456789abcdef"
ISSUER = "https://id.test/realm"


def key_set(**keys: ec.EllipticCurvePrivateKey) -> Answer:
    listed = [
        jwt.algorithms.ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | {"kid": kid, "alg": "ES256", "use": "sig"}
        for kid, key in keys.items()
    ]
    return Answer(pieces=(msgspec.json.encode({"keys": listed}),))


def token(key: Any = KEY, *, alg: str = "ES256", head: dict[str, Any] | None = None, **changes: Any) -> str:
    claims = {"iss": "privy.io", "aud": "app", "sub": "did:1", "exp": int(time.time()) + 600} | changes
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, key, algorithm=alg, headers={"kid": "k1"} if head is None else head)


def privy(http: FakeHttpClient) -> PrivyIdentity:
    return PrivyIdentity(PrivySettings(app_id="app"), plugin_context(http))


async def test_privy_says_what_is_linked() -> None:
    accounts = [{"type": "google_oauth", "email": "ann@example.com", "name": "Ann"}]
    linked = msgspec.json.encode(accounts).decode()
    found = await privy(FakeHttpClient(key_set(k1=KEY))).verify(token(linked_accounts=linked))
    assert (found.subject, found.email, found.is_email_verified) == ("did:1", "ann@example.com", True)
    assert (found.method, found.name) == ("google", "Ann")


@pytest.mark.parametrize(
    "bad",
    [
        token(iss="other"),
        token(iss=None),
        token(aud="other"),
        token(aud=None),
        token(exp=None),
        token(exp=int(time.time()) - 3600),
        token(sub=None),
        token(sub=""),
        token(linked_accounts="{"),
        token(OTHER_KEY),
        token(None, alg="none"),
        token(SECRET, alg="HS256"),
        token(head={}),
        "not.a.token",
        "x" * 20_000,
    ],
    ids=[
        "issuer",
        "no-issuer",
        "audience",
        "no-audience",
        "no-expiry",
        "expired",
        "no-subject",
        "empty-subject",
        "accounts",
        "signature",
        "none",
        "secret",
        "no-key-id",
        "words",
        "long",
    ],
)
async def test_privy_refuses(bad: str) -> None:
    with pytest.raises(AuthenticationFailed):
        await privy(FakeHttpClient(key_set(k1=KEY))).verify(bad)


async def test_a_public_key_is_no_shared_secret() -> None:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    public = KEY.public_key().public_bytes(serialization.Encoding.PEM, form)
    signed = token("z" * 32, alg="HS256").rpartition(".")[0]
    digest = hmac.digest(public, signed.encode(), "sha256")  # by hand: the library does not sign with such a key
    forged = f"{signed}.{urlsafe_b64encode(digest).decode().rstrip('=')}"
    with pytest.raises(AuthenticationFailed):
        await privy(FakeHttpClient(key_set(k1=KEY))).verify(forged)


async def test_where_a_token_says_its_keys_are_is_not_asked() -> None:
    http = FakeHttpClient(key_set(k1=KEY))
    head = {"kid": "k1", "jku": "https://evil.test/keys", "x5u": "https://evil.test/cert"}
    with pytest.raises(AuthenticationFailed):
        await privy(http).verify(token(OTHER_KEY, head=head))
    assert {each.origin.host for each in http.requests} == {"auth.privy.io"}


async def test_an_unknown_key_is_looked_for_once_a_minute() -> None:
    http = FakeHttpClient(key_set(k1=KEY))
    context = plugin_context(http)
    assert isinstance(context.clock, FakeClock)
    provider = PrivyIdentity(PrivySettings(app_id="app"), context)
    rotated = token(OTHER_KEY, head={"kid": "k2"})
    await provider.verify(token())
    for _ in range(3):
        with pytest.raises(AuthenticationFailed):
            await provider.verify(rotated)
    assert len(http.requests) == 1
    http.answer = key_set(k2=OTHER_KEY)
    context.clock.advance(61)
    await provider.verify(rotated)
    assert len(http.requests) == 2
    with pytest.raises(AuthenticationFailed):
        await provider.verify(token())  # its key was withdrawn


async def test_known_keys_outlive_a_silent_issuer() -> None:
    http = FakeHttpClient(key_set(k1=KEY))
    context = plugin_context(http)
    assert isinstance(context.clock, FakeClock)
    provider = PrivyIdentity(PrivySettings(app_id="app"), context)
    await provider.verify(token())
    http.answer = Answer(status=503)
    context.clock.advance(3601)
    assert (await provider.verify(token())).subject == "did:1"
    with pytest.raises(UpstreamUnreachable):
        await privy(http).verify(token())


def oidc(issuer: str) -> OidcIdentity:
    def answer(request: HttpRequest) -> Answer:
        if request.target == b"/realm/.well-known/openid-configuration":
            found = {"issuer": issuer, "jwks_uri": "https://id.test/keys"}
            return Answer(pieces=(msgspec.json.encode(found),))
        assert request.target == b"/keys"
        return key_set(k1=KEY)

    settings = OidcSettings(issuer=ISSUER, client_id="app")
    return OidcIdentity(settings, plugin_context(FakeHttpClient(answer)))


@pytest.mark.parametrize(("claim", "is_verified"), [(True, True), (False, False), ("true", False), (None, False)])
async def test_oidc_trusts_an_address_only_when_told(claim: object, is_verified: bool) -> None:
    found = await oidc(ISSUER).verify(token(iss=ISSUER, email="ann@example.com", email_verified=claim))
    assert (found.email, found.is_email_verified) == ("ann@example.com", is_verified)


async def test_oidc_refuses_what_is_another_issuers() -> None:
    with pytest.raises(AuthenticationFailed):
        await oidc(ISSUER).verify(token())
    with pytest.raises(UpstreamBroken):
        await oidc("https://evil.test").verify(token(iss=ISSUER))


def test_oidc_takes_no_shared_secrets() -> None:
    with pytest.raises(ValueError, match="asymmetric"):
        OidcSettings(issuer=ISSUER, client_id="app", algorithms=("HS256",))


async def test_development_takes_its_own_secret_only() -> None:
    http = FakeHttpClient(Answer())
    provider = DevelopmentIdentity(DevelopmentSettings(secret=Secret(SECRET)), plugin_context(http))
    assert (await provider.verify(token(SECRET, alg="HS256"))).subject == "did:1"
    for bad in (token("z" * 32, alg="HS256"), token(None, alg="none"), token(), token(SECRET, alg="HS256", exp=None)):
        with pytest.raises(AuthenticationFailed):
            await provider.verify(bad)
    assert not http.requests


def test_development_refuses_a_short_secret() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        DevelopmentSettings(secret=Secret("short"))
