"""Every hook a plugin can implement.

Hooks run at start-up and on reload, synchronously; they register how to build objects, or
observe. Requests never pass through pluggy: they call the built objects.
An implementation may take fewer arguments than the hook has.
"""

from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

import msgspec
import pluggy

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.guardrails import Guardrail
from gatewayz.sdk.hub import ModelHub
from gatewayz.sdk.identity import IdentityProvider
from gatewayz.sdk.interfaces import BillingBackend, HealthCheck, Provider, Router
from gatewayz.sdk.mail import MailSender
from gatewayz.sdk.payments import PaymentProcessor
from gatewayz.sdk.tools import Tool

__all__ = [
    "GATEWAYZ_API",
    "BillingRegister",
    "GuardrailRegister",
    "HealthRegister",
    "HubRegister",
    "IdentityRegister",
    "MailRegister",
    "PaymentsRegister",
    "ProviderRegister",
    "RouterRegister",
    "ToolRegister",
    "hookimpl",
    "hookspec",
]

GATEWAYZ_API: Final = "1.0"
"""Version of this interface. Minor: new hooks, arguments and fields with defaults. Major: anything else."""

hookspec = pluggy.HookspecMarker("gatewayz")
hookimpl = pluggy.HookimplMarker("gatewayz")

S = TypeVar("S", bound=msgspec.Struct)


class ProviderRegister(Protocol):
    """Takes a provider implementation; strict typing checks it against the protocol on this line."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], Provider], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class RouterRegister(Protocol):
    """Takes a router implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], Router], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class BillingRegister(Protocol):
    """Takes a billing backend implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], BillingBackend], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class PaymentsRegister(Protocol):
    """Takes a payment processor implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], PaymentProcessor], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class HealthRegister(Protocol):
    """Takes a health check implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], HealthCheck], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class HubRegister(Protocol):
    """Takes a model hub implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], ModelHub], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class IdentityRegister(Protocol):
    """Takes an identity provider implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], IdentityProvider], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class MailRegister(Protocol):
    """Takes a mail sender implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], MailSender], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class GuardrailRegister(Protocol):
    """Takes a guardrail implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], Guardrail], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


class ToolRegister(Protocol):
    """Takes a tool implementation."""

    def __call__(self, name: str, build: Callable[[S, PluginContext], Tool], *, settings: type[S]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name."""
        ...


@hookspec
def gatewayz_register_providers(register: ProviderRegister) -> None:
    """Offer provider implementations under the names that `use:` may name.

    Called once for each configuration, before settings are decoded; must not do I/O.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_routers(register: RouterRegister) -> None:
    """Offer router implementations; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_billing(register: BillingRegister) -> None:
    """Offer billing backends; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_payments(register: PaymentsRegister) -> None:
    """Offer payment processors; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_identity(register: IdentityRegister) -> None:
    """Offer identity providers; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_hubs(register: HubRegister) -> None:
    """Offer model hubs; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_mail(register: MailRegister) -> None:
    """Offer mail senders; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_tools(register: ToolRegister) -> None:
    """Offer server-side tools; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_guardrails(register: GuardrailRegister) -> None:
    """Offer guardrails; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_register_health_checks(register: HealthRegister) -> None:
    """Offer health checks; otherwise as `gatewayz_register_providers`.

    :param register: `register(name, build, settings=SettingsType)`.
    """


@hookspec
def gatewayz_attempt_finished(attempt: Any) -> None:
    """Observe one attempt at a provider, after it ended. Must be quick; what it raises is logged and counted.

    :param attempt: `gatewayz.sdk.observe.Attempt`.
    """


@hookspec
def gatewayz_request_settled(settlement: Any) -> None:
    """Observe one request after it was settled. Must be quick; what it raises is logged and counted.

    :param settlement: `gatewayz.sdk.observe.Settlement`.
    """
