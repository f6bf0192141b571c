"""Reads what is left at a provider, where its API tells: which URL and which members is data (`config/health.yaml`)."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.interfaces import Reading
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import HttpRequest, Timeouts, split_url

__all__ = ["UpstreamCredits", "UpstreamCreditsSettings"]

_BODY_LIMIT: Final = 64 * 1024
Amount = Annotated[float, Meta(ge=0)]


class UpstreamCreditsSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a balance is, and when it is low."""

    provider: str
    """The instance it belongs to."""
    url: str
    api_key: Secret | None = None
    """Sent as a bearer token; without one the check is off."""
    total: str
    """Path of the member with the credit, such as `data.total_credits` or `balance_infos.0.total_balance`."""
    used: str | None = None
    """Path of what was used of it, to be taken off."""
    low: Amount = 5.0
    """Less is degraded; in the currency of the account."""
    empty: Amount = 0.0
    """This or less is down."""
    timeout_s: Annotated[float, Meta(gt=0)] = 8.0

    def __post_init__(self) -> None:
        """Raise ValueError when `url` is no address."""
        split_url(self.url)

    def is_configured(self) -> bool:
        """Tell whether there is a key to ask with."""
        return bool(self.api_key)


class UpstreamCredits:
    """Looks at one balance."""

    def __init__(self, settings: UpstreamCreditsSettings, context: PluginContext) -> None:
        self._settings = settings
        self._context = context

    async def probe(self) -> Reading:
        """Ask once. A balance that cannot be read is degraded: calls may go on well."""
        provider = self._settings.provider
        started = self._context.clock.monotonic()
        try:
            left = await self._read()
        except GatewayzError as err:
            return Reading(state="degraded", detail=f"the balance cannot be read: {err.code}", provider=provider)
        except (ValueError, LookupError, InvalidOperation, TypeError):
            return Reading(state="degraded", detail="the balance is not where it should be", provider=provider)
        took_ms = (self._context.clock.monotonic() - started) * 1000
        state: Literal["up", "degraded", "down"] = "up"
        if left < Decimal(str(self._settings.low)):
            state = "down" if left <= Decimal(str(self._settings.empty)) else "degraded"
        detail = {"up": "", "degraded": "the balance is low", "down": "the balance is used up"}[state]
        return Reading(state=state, latency_ms=took_ms, detail=detail, provider=provider)

    async def _read(self) -> Decimal:
        """Return what is left. Raises UpstreamError, ValueError, LookupError, TypeError."""
        asked, wait = self._settings, self._settings.timeout_s
        origin, path = split_url(asked.url)
        key = asked.api_key.reveal() if asked.api_key else ""
        headers = ((b"authorization", b"Bearer " + key.encode()), (b"accept", b"application/json"))
        request = HttpRequest(method=b"GET", origin=origin, target=path.encode() or b"/", headers=headers)
        limits = Timeouts(connect_s=wait, first_byte_s=wait, idle_s=wait, total_s=wait)
        reply = await self._context.http.send(request, limits)
        try:
            if reply.status != 200:
                raise LookupError(f"status {reply.status}")
            body = msgspec.json.decode(await reply.read_all(_BODY_LIMIT))
        finally:
            reply.close()
        left = _amount(body, asked.total)
        return left if asked.used is None else left - _amount(body, asked.used)


def _amount(body: Any, path: str) -> Decimal:
    """Return a number, which may be written as text. Raises LookupError, TypeError, InvalidOperation."""
    for name in path.split("."):
        body = body[int(name)] if isinstance(body, list) else body[name]
    if not isinstance(body, (int, float, str)) or isinstance(body, bool):
        raise TypeError("no number")
    return Decimal(str(body))
