"""How a Bedrock request proves who sent it."""

import asyncio
import importlib
from typing import Any, Final, Protocol

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import Headers, Origin

__all__ = ["BearerSigner", "SigV4Signer", "Signer"]

_SERVICE: Final = "bedrock"
_JSON: Final = (b"content-type", b"application/json")


class Signer(Protocol):
    """Makes the header lines of a request."""

    def headers(self, origin: Origin, target: bytes, body: bytes) -> Headers:
        """Return all lines the client does not add itself."""
        ...


class BearerSigner:
    """A Bedrock API key."""

    def __init__(self, api_key: Secret) -> None:
        self._headers = (_JSON, (b"authorization", b"Bearer " + api_key.reveal().encode()))

    def headers(self, origin: Origin, target: bytes, body: bytes) -> Headers:
        """Return the same lines for every request."""
        return self._headers


class SigV4Signer:
    """An AWS access key; host and content type are signed, nothing a client may change on the way."""

    def __init__(self, signer: Any, request_type: Any) -> None:
        self._signer = signer
        self._request_type = request_type

    @classmethod
    async def load(cls, access_key_id: str, secret: Secret, session_token: Secret | None, region: str) -> "SigV4Signer":
        """Return a signer, importing botocore (some 0.8 s) off the event loop. Raises ConfigurationError."""
        try:
            auth = await asyncio.to_thread(importlib.import_module, "botocore.auth")
            requests = importlib.import_module("botocore.awsrequest")
            credentials = importlib.import_module("botocore.credentials")
        except ImportError as err:
            raise ConfigurationError(
                "signing with an access key needs the extra: `pip install 'gatewayz[bedrock]'`; an api_key does not"
            ) from err
        keys = credentials.Credentials(
            access_key_id, secret.reveal(), session_token.reveal() if session_token else None
        )
        return cls(auth.SigV4Auth(keys, _SERVICE, region), requests.AWSRequest)

    def headers(self, origin: Origin, target: bytes, body: bytes) -> Headers:
        """Return the signed lines; `target` is already percent-encoded, and is signed as it is sent."""
        default = 443 if origin.scheme == "https" else 80
        host = origin.host if origin.port == default else f"{origin.host}:{origin.port}"
        request = self._request_type(
            method="POST",
            url=f"{origin.scheme}://{host}{target.decode()}",
            data=body,
            headers={"content-type": "application/json", "host": host},
        )
        self._signer.add_auth(request)
        return tuple(
            (name.lower().encode(), value.encode()) for name, value in request.headers.items() if name.lower() != "host"
        )
