"""The upstream's signature: HMAC-SHA256 over the second, a dot and the body, in hex."""

import hashlib
import hmac

__all__ = ["signature"]


def signature(secret: bytes, second: int, body: bytes) -> bytes:
    """Return what goes into `x-signature` for a request sent in this second of the Unix epoch."""
    return hmac.new(secret, b"%d." % second + body, hashlib.sha256).hexdigest().encode()
