import sys

import pytest

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import Origin
from gatewayz_plugins.providers.bedrock.signing import BearerSigner, SigV4Signer

ORIGIN = Origin("https", "bedrock-runtime.us-east-1.amazonaws.com", 443)
TARGET = b"/model/anthropic.claude-v1%3A0/converse"


async def test_signed_lines() -> None:
    signer = await SigV4Signer.load("AKID", Secret("secret-key"), Secret("session"), "us-east-1")
    found = dict(signer.headers(ORIGIN, TARGET, b"{}"))
    assert b"host" not in found
    assert found[b"x-amz-security-token"] == b"session"
    authorization = found[b"authorization"].decode()
    assert authorization.startswith("AWS4-HMAC-SHA256 Credential=AKID/")
    assert "/us-east-1/bedrock/aws4_request" in authorization
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token" in authorization
    assert "secret-key" not in str(found)


async def test_the_signature_covers_what_is_sent() -> None:
    signer = await SigV4Signer.load("AKID", Secret("secret-key"), Secret(""), "us-east-1")
    lines = signer.headers(ORIGIN, TARGET, b"{}")
    sent = dict(lines)
    assert _signature(sent) == _verify(sent, TARGET, b"{}")
    assert _signature(sent) != _verify(sent, TARGET, b"{ }")
    assert _signature(sent) != _verify(sent, b"/model/other/converse", b"{}")


async def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "botocore.auth", None)
    with pytest.raises(ConfigurationError, match=r"gatewayz\[bedrock\]"):
        await SigV4Signer.load("AKID", Secret("s"), Secret(""), "us-east-1")


def test_a_bearer_key_needs_nothing() -> None:
    assert (b"authorization", b"Bearer abc") in BearerSigner(Secret("abc")).headers(ORIGIN, TARGET, b"")


def _signature(headers: dict[bytes, bytes]) -> str:
    return headers[b"authorization"].decode().rpartition("Signature=")[2]


def _verify(headers: dict[bytes, bytes], target: bytes, body: bytes) -> str:
    """Sign anew by the published algorithm. Source: AWS General Reference, "Signature Version 4", 2026-10."""
    import hashlib
    import hmac
    from urllib.parse import quote

    date = headers[b"x-amz-date"].decode()
    path = quote(target.decode(), safe="/~")
    lines = f"content-type:application/json\nhost:{ORIGIN.host}\nx-amz-date:{date}\n"
    signed = "content-type;host;x-amz-date"
    canonical = f"POST\n{path}\n\n{lines}\n{signed}\n{hashlib.sha256(body).hexdigest()}"
    scope = f"{date[:8]}/us-east-1/bedrock/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{date}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = b"AWS4secret-key"
    for part in (date[:8], "us-east-1", "bedrock", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
