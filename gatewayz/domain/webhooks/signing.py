"""Signatures as Standard Webhooks has them, so that its libraries verify them.

Source: https://github.com/standard-webhooks/standard-webhooks; docs/decisions/0187-webhook-secrets.md.
"""

import hmac
from base64 import b64encode
from typing import Final

from gatewayz.domain.identity.keys import KeyVault
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import Headers
from gatewayz.store.webhook_records import Endpoint

__all__ = ["NONCE_BYTES", "reveal", "signed_headers"]

NONCE_BYTES: Final = 16
_PURPOSE: Final = b"webhooks"


def reveal(vault: KeyVault, nonce: bytes) -> Secret:
    """Return the secret of a nonce as its owner gets it: `whsec_` and base64 of 32 bytes."""
    return Secret("whsec_" + b64encode(vault.derive(_PURPOSE, nonce)).decode())


def signed_headers(vault: KeyVault, endpoint: Endpoint, event_id: str, body: bytes, now_ms: int) -> Headers:
    """Return the headers of one try, with a signature for each secret in force, the newest first."""
    stamp = b"%d" % (now_ms // 1000)
    nonces = [endpoint.nonce]
    if endpoint.old_nonce is not None and endpoint.old_until_ms is not None and endpoint.old_until_ms > now_ms:
        nonces.append(endpoint.old_nonce)
    content = b".".join((event_id.encode(), stamp, body))
    signatures = [hmac.digest(vault.derive(_PURPOSE, nonce), content, "sha256") for nonce in nonces]
    return [
        (b"content-type", b"application/json"),
        (b"user-agent", b"Gatewayz-Webhooks/1"),
        (b"webhook-id", event_id.encode()),
        (b"webhook-timestamp", stamp),
        (b"webhook-signature", b" ".join(b"v1," + b64encode(signature) for signature in signatures)),
    ]
