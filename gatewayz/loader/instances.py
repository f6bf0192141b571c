"""The configured instances: what serves, and what does not and why."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from gatewayz.loader.contain import describe
from gatewayz.loader.fence import FencedBilling
from gatewayz.loader.observers import Observers
from gatewayz.loader.registry import Implementation
from gatewayz.sdk.guardrails import Guardrail
from gatewayz.sdk.hub import ModelHub
from gatewayz.sdk.identity import IdentityProvider
from gatewayz.sdk.interfaces import HealthCheck, Provider, Router
from gatewayz.sdk.mail import MailSender
from gatewayz.sdk.payments import PaymentProcessor
from gatewayz.sdk.tools import Tool

__all__ = ["InstanceState", "Instances", "Opened"]

CLOSE_DEADLINE_S: Final = 10.0

_LOGGER = logging.getLogger("gatewayz.plugins")


class InstanceState(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the configuration."""

    section: str
    """providers, routers, billing, payments, identity, hub, mail, tools, guardrails, health."""
    name: str
    use: str
    state: Literal["serving", "off", "unavailable"]
    """`off`: switched off, or not configured. `unavailable`: it could not be built or provisioned."""
    reason: str = ""


class Opened:
    """A built instance, with what it was built from; the next configuration keeps it when nothing changed.

    It counts the configurations that hold it, so that the last one to go closes it.
    """

    __slots__ = ("fenced", "holders", "implementation", "inner", "settings")

    def __init__(self, *, implementation: Implementation, settings: msgspec.Struct, inner: Any, fenced: Any) -> None:
        self.implementation = implementation
        self.settings = settings
        self.inner = inner
        """The plugin's own object."""
        self.fenced = fenced
        self.holders = 0


class Instances:
    """Every instance of one configuration. Immutable; closed when the last request that uses it has ended."""

    def __init__(
        self,
        *,
        opened: Mapping[tuple[str, str], Opened],
        states: tuple[InstanceState, ...],
        observers: Observers,
    ) -> None:
        self._opened = dict(opened)
        for found in self._opened.values():
            found.holders += 1
        self._is_closed = False
        self.states = states
        self.observers = observers
        self.providers: Mapping[str, Provider] = self._of("providers")
        self.routers: Mapping[str, Router] = self._of("routers")
        self.billing: FencedBilling = opened["billing", "billing"].fenced
        payments = opened.get(("payments", "payments"))
        self.payments: PaymentProcessor | None = None if payments is None else payments.fenced
        """None where no plugin for payments is let in, or it is not available."""
        hub = opened.get(("hub", "hub"))
        self.hub: ModelHub | None = None if hub is None else hub.fenced
        """None where no plugin for a model hub is let in, or it is not available."""
        mail = opened.get(("mail", "mail"))
        self.mail: MailSender | None = None if mail is None else mail.fenced
        """None where no plugin for mail is let in, or it is not available."""
        self.tools: Mapping[str, Tool] = self._of("tools")
        self.guardrails: Mapping[str, Guardrail] = self._of("guardrails")
        self.identity: Mapping[str, IdentityProvider] = self._of("identity")
        self.health: Mapping[str, HealthCheck] = self._of("health")

    def _of(self, section: str) -> dict[str, Any]:
        return {name: found.fenced for (kind, name), found in self._opened.items() if kind == section}

    def find(self, section: str, name: str) -> Opened | None:
        """Return what was built for an entry, or None."""
        return self._opened.get((section, name))

    def state_of(self, section: str, name: str) -> InstanceState | None:
        """Return how an entry fares, None when there is no such entry."""
        return next((state for state in self.states if (state.section, state.name) == (section, name)), None)

    async def aclose(self, *, deadline_s: float = CLOSE_DEADLINE_S) -> None:
        """Close what no other configuration holds, all at once and each within the deadline. Never raises."""
        if self._is_closed:
            return
        self._is_closed = True
        going: list[tuple[tuple[str, str], Opened]] = []
        for key, found in self._opened.items():
            found.holders -= 1
            if not found.holders:
                going.append((key, found))
        await asyncio.gather(*(close(key, found.inner, deadline_s) for key, found in going))


async def close(key: tuple[str, str], inner: Any, deadline_s: float) -> None:
    """Close one object within a deadline; a fault is logged, for there is nobody left to tell."""
    aclose = getattr(inner, "aclose", None)
    if aclose is None:
        return
    try:
        async with asyncio.timeout(deadline_s):
            await aclose()
    except TimeoutError:
        _LOGGER.error("%s %r did not close within %g s", *key, deadline_s)
    except (Exception, SystemExit) as err:  # the others must still be closed
        _LOGGER.error("%s %r failed to close: %s", *key, describe(err), exc_info=err)
