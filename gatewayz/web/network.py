"""The network layer, in front of authentication and of handlers."""

from collections.abc import Iterable

from gatewayz.domain.identity.caller import ANONYMOUS, Caller
from gatewayz.domain.limits.network import SKIPPED_PATHS
from gatewayz.flow.authenticate import authenticate
from gatewayz.flow.edition import Edition
from gatewayz.sdk.errors import AuthenticationFailed, GatewayzError, UpstreamError
from gatewayz.web.guards import is_admin_key

__all__ = ["check_network", "known_caller", "note_outcome"]

RawHeaders = Iterable[tuple[bytes, bytes]]


async def known_caller(credential: bytes | None, address: str, headers: RawHeaders, edition: Edition) -> Caller:
    """Return the caller. Strangers are counted first: 429 comes before 401.

    Raises as `authenticate`, and NetworkLimited. Source: design 3.
    """
    if credential is None:
        if edition.network is not None:
            await edition.network.take(address, headers)
        return await authenticate(None, edition)
    try:
        return await _look_up(credential, address, edition)
    except AuthenticationFailed:
        if edition.network is not None:
            await edition.network.take(address, headers)
        raise


async def check_network(
    path: str, credential: bytes | None, address: str, headers: RawHeaders, edition: Edition
) -> None:
    """Count a request of a gateway-own route unless its key is valid. Raises NetworkLimited."""
    if edition.network is None or path in SKIPPED_PATHS or await _is_known(credential, address, edition):
        return
    await edition.network.take(address, headers)


def note_outcome(edition: Edition, error: GatewayzError | None = None) -> None:
    """Tell the velocity mode how a request ended; what providers caused is no fault of ours."""
    if edition.network is not None:
        is_failure = error is not None and error.status >= 500 and not isinstance(error, UpstreamError)
        edition.network.velocity.record(is_failure=is_failure)


async def _look_up(credential: bytes, address: str, edition: Edition) -> Caller:
    """Return the caller of a key; an address that is over its limit has few unknown keys looked up."""
    caller = edition.keys.cached(credential)
    if caller is not None:
        return caller
    if edition.network is not None:
        edition.network.check_guess(address)
    return await authenticate(credential, edition)


async def _is_known(credential: bytes | None, address: str, edition: Edition) -> bool:
    if credential is None:
        return False
    if is_admin_key(credential, edition):
        return True
    try:
        return await _look_up(credential, address, edition) is not ANONYMOUS
    except AuthenticationFailed:
        return False
