"""Reads a configured provider's model list, or a URL. Costs nothing at the providers known to us."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, GatewayzError
from gatewayz.sdk.interfaces import Reading
from gatewayz.sdk.wire import HttpRequest, Timeouts, split_url

__all__ = ["HttpProbe", "HttpProbeSettings"]

_BODY_LIMIT: Final = 1024 * 1024


class HttpProbeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either `provider` or `url`."""

    provider: str | None = None
    """A configured instance, asked for its model list with its own key."""
    min_models: Annotated[int, Meta(ge=0)] = 1
    """A shorter list is degraded."""
    url: str | None = None
    """Asked with GET, without a key."""
    status: Annotated[int, Meta(ge=100, le=599)] = 200
    """Any other status of the URL is down."""
    slow_ms: Annotated[float, Meta(gt=0)] = 5_000.0
    """From here on it is degraded."""
    timeout_s: Annotated[float, Meta(gt=0)] = 8.0
    """Of the URL; less than the check's `deadline_s`."""

    def __post_init__(self) -> None:
        """Raise ValueError unless there is exactly one target."""
        if (self.provider is None) == (self.url is None):
            raise ValueError("say either `provider` or `url`")
        if self.url is not None:
            split_url(self.url)


class HttpProbe:
    """Looks at one target."""

    def __init__(self, settings: HttpProbeSettings, context: PluginContext) -> None:
        self._settings = settings
        self._context = context

    async def probe(self) -> Reading:
        """Ask once."""
        started = self._context.clock.monotonic()
        provider = self._settings.provider or ""
        try:
            trouble = await (self._list(provider) if provider else self._get())
        except ConfigurationError as err:
            return Reading(state="down", detail=err.message, provider=provider)
        except GatewayzError as err:
            return Reading(state="down", detail=f"no good answer: {err.code}", provider=provider)
        took_ms = (self._context.clock.monotonic() - started) * 1000
        if not trouble and took_ms >= self._settings.slow_ms:
            trouble = f"slower than {self._settings.slow_ms:g} ms"
        return Reading(state="degraded" if trouble else "up", latency_ms=took_ms, detail=trouble, provider=provider)

    async def _list(self, provider: str) -> str:
        """Return what is wrong with a provider's list, nothing when it is long enough."""
        if self._context.targets is None:
            raise ConfigurationError("there are no providers to look at")
        count = await self._context.targets.count_models(provider)
        return "" if count >= self._settings.min_models else f"only {count} models are listed"

    async def _get(self) -> str:
        url, wait = self._settings.url or "", self._settings.timeout_s
        origin, path = split_url(url)
        request = HttpRequest(
            method=b"GET", origin=origin, target=path.encode() or b"/", headers=((b"user-agent", b"gatewayz"),)
        )
        limits = Timeouts(connect_s=wait, first_byte_s=wait, idle_s=wait, total_s=wait)
        reply = await self._context.http.send(request, limits)
        try:
            if reply.status != self._settings.status:
                raise ConfigurationError(f"status {reply.status} instead of {self._settings.status}")
            await reply.read_all(_BODY_LIMIT)
        finally:
            reply.close()
        return ""
