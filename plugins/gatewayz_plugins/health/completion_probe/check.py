"""Has a provider answer for real. Each look costs what the provider charges: off unless somebody switches it on."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError, GatewayzError
from gatewayz.sdk.interfaces import Reading

__all__ = ["CompletionProbe", "CompletionProbeSettings"]


class CompletionProbeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is asked of whom."""

    provider: str
    """A configured instance."""
    model: str
    """A model that it serves."""
    costs_money: bool = False
    """True says that its owner knows; without it the check is off."""
    prompt: str = "Say ok."
    max_tokens: Annotated[int, Meta(ge=1, le=64)] = 1
    slow_ms: Annotated[float, Meta(gt=0)] = 10_000.0
    """From here on it is degraded."""

    def is_configured(self) -> bool:
        """Tell whether it may spend."""
        return self.costs_money


class CompletionProbe:
    """Looks at one model of one provider; its readings count in the record of traffic as probes."""

    def __init__(self, settings: CompletionProbeSettings, context: PluginContext) -> None:
        self._settings = settings
        self._clock = context.clock
        self._targets = context.targets

    async def probe(self) -> Reading:
        """Ask once."""
        asked = self._settings
        if self._targets is None:
            return Reading(state="down", detail="there are no providers to look at", provider=asked.provider)
        started = self._clock.monotonic()
        try:
            await self._targets.complete(asked.provider, asked.model, asked.prompt, asked.max_tokens)
        except ConfigurationError as err:  # nobody was asked, so this says nothing of the offer
            return Reading(state="down", detail=err.message, provider=asked.provider)
        except GatewayzError as err:
            detail = f"no good answer: {err.code}"
            return Reading(state="down", detail=detail, provider=asked.provider, model=asked.model)
        took_ms = (self._clock.monotonic() - started) * 1000
        is_slow = took_ms >= asked.slow_ms
        return Reading(
            state="degraded" if is_slow else "up",
            latency_ms=took_ms,
            detail=f"slower than {asked.slow_ms:g} ms" if is_slow else "",
            provider=asked.provider,
            model=asked.model,
        )
