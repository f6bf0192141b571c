"""The hooks, one typed method for each. Plugins are called one by one: none can keep the others from theirs.

pluggy checks names and arguments of implementations; its own call is not used, because it stops
at the first exception and says not whose it was.
"""

import inspect
from collections.abc import Sequence
from typing import Final

import pluggy

from gatewayz.config.problems import ConfigurationInvalid, Problem
from gatewayz.loader.contain import describe, run_contained
from gatewayz.loader.discovery import Plugin
from gatewayz.loader.observers import Observer
from gatewayz.loader.registry import Register, Registry
from gatewayz.sdk import hookspecs
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.hookspecs import (
    BillingRegister,
    GuardrailRegister,
    HealthRegister,
    HubRegister,
    IdentityRegister,
    MailRegister,
    PaymentsRegister,
    ProviderRegister,
    RouterRegister,
    ToolRegister,
)

__all__ = ["Hooks"]

REGISTER_DEADLINE_S: Final = 10.0


class Hooks:
    """Every implementation of every hook, of plugins that were let in."""

    def __init__(self, plugins: Sequence[Plugin]) -> None:
        """Take the plugins in. Raises ConfigurationInvalid naming each misspelt hook or wrong argument."""
        self._plugins = tuple(plugins)
        self._manager = pluggy.PluginManager("gatewayz")
        self._manager.add_hookspecs(hookspecs)
        problems: list[Problem] = []
        for plugin in self._plugins:
            try:
                self._manager.register(plugin.module, name=plugin.name)
            except (pluggy.PluginValidationError, ValueError) as err:
                problems.append(Problem(message=f"plugin {plugin.name!r}: {' '.join(str(err).split())}"))
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as err:
            problems.append(Problem(message=f"plugin {self._manager.get_name(err.plugin)!r}: {err}"))
        problems += [problem for plugin in self._plugins for problem in self._wrappers(plugin)]
        if problems:
            raise ConfigurationInvalid(problems)

    async def register_all(self, registry: Registry, *, deadline_s: float = REGISTER_DEADLINE_S) -> None:
        """Call every registration hook of every plugin. Raises ConfigurationInvalid naming each plugin that failed."""
        problems: list[Problem] = []
        for plugin in self._plugins:

            def register(plugin: Plugin = plugin) -> None:
                self.register_providers(plugin, Register(registry, "providers", plugin.name))
                self.register_routers(plugin, Register(registry, "routers", plugin.name))
                self.register_billing(plugin, Register(registry, "billing", plugin.name))
                self.register_payments(plugin, Register(registry, "payments", plugin.name))
                self.register_identity(plugin, Register(registry, "identity", plugin.name))
                self.register_hubs(plugin, Register(registry, "hub", plugin.name))
                self.register_mail(plugin, Register(registry, "mail", plugin.name))
                self.register_tools(plugin, Register(registry, "tools", plugin.name))
                self.register_guardrails(plugin, Register(registry, "guardrails", plugin.name))
                self.register_health_checks(plugin, Register(registry, "health", plugin.name))

            try:
                await run_contained(register, deadline_s=deadline_s, what=f"plugin {plugin.name!r}: registering")
            except ConfigurationError as err:
                problems.append(Problem(message=err.message))
        if problems:
            raise ConfigurationInvalid(problems)

    def register_providers(self, plugin: Plugin, register: ProviderRegister) -> None:
        """Call `gatewayz_register_providers` of one plugin."""
        self._call(plugin, "gatewayz_register_providers", register)

    def register_routers(self, plugin: Plugin, register: RouterRegister) -> None:
        """Call `gatewayz_register_routers` of one plugin."""
        self._call(plugin, "gatewayz_register_routers", register)

    def register_billing(self, plugin: Plugin, register: BillingRegister) -> None:
        """Call `gatewayz_register_billing` of one plugin."""
        self._call(plugin, "gatewayz_register_billing", register)

    def register_payments(self, plugin: Plugin, register: PaymentsRegister) -> None:
        """Call `gatewayz_register_payments` of one plugin."""
        self._call(plugin, "gatewayz_register_payments", register)

    def register_identity(self, plugin: Plugin, register: IdentityRegister) -> None:
        """Call `gatewayz_register_identity` of one plugin."""
        self._call(plugin, "gatewayz_register_identity", register)

    def register_hubs(self, plugin: Plugin, register: HubRegister) -> None:
        """Call `gatewayz_register_hubs` of one plugin."""
        self._call(plugin, "gatewayz_register_hubs", register)

    def register_mail(self, plugin: Plugin, register: MailRegister) -> None:
        """Call `gatewayz_register_mail` of one plugin."""
        self._call(plugin, "gatewayz_register_mail", register)

    def register_tools(self, plugin: Plugin, register: ToolRegister) -> None:
        """Call `gatewayz_register_tools` of one plugin."""
        self._call(plugin, "gatewayz_register_tools", register)

    def register_guardrails(self, plugin: Plugin, register: GuardrailRegister) -> None:
        """Call `gatewayz_register_guardrails` of one plugin."""
        self._call(plugin, "gatewayz_register_guardrails", register)

    def register_health_checks(self, plugin: Plugin, register: HealthRegister) -> None:
        """Call `gatewayz_register_health_checks` of one plugin."""
        self._call(plugin, "gatewayz_register_health_checks", register)

    def attempt_finished(self) -> tuple[Observer, ...]:
        """Return the implementations of `gatewayz_attempt_finished`, bound, to be called by themselves."""
        return self._observers("gatewayz_attempt_finished")

    def request_settled(self) -> tuple[Observer, ...]:
        """Return the implementations of `gatewayz_request_settled`, likewise."""
        return self._observers("gatewayz_request_settled")

    def implemented_by(self, plugin: Plugin) -> tuple[str, ...]:
        """Return the names of the hooks that a plugin implements."""
        callers = self._manager.get_hookcallers(plugin.module) or []
        return tuple(sorted(caller.name for caller in callers))

    def _implementations(self, plugin: Plugin, hook: str) -> list[pluggy.HookImpl]:
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return [found for found in caller.get_hookimpls() if found.plugin_name == plugin.name]

    def _wrappers(self, plugin: Plugin) -> list[Problem]:
        return [
            Problem(message=f"plugin {plugin.name!r}: {hook} must not be a wrapper: nothing calls through it")
            for hook in self.implemented_by(plugin)
            for found in self._implementations(plugin, hook)
            if found.wrapper or found.hookwrapper
        ]

    def _call(self, plugin: Plugin, hook: str, register: object) -> None:
        for found in self._implementations(plugin, hook):
            what = f"plugin {plugin.name!r}: {hook}"
            try:
                answer = found.function(**({"register": register} if "register" in found.argnames else {}))
            except ConfigurationError:
                raise
            except Exception as err:  # whatever a plugin raises is reported as that plugin's
                raise ConfigurationError(f"{what} failed: {describe(err)}") from err
            if inspect.iscoroutine(answer):
                answer.close()
                raise ConfigurationError(f"{what} is 'async def'; hooks are plain functions")

    def _observers(self, hook: str) -> tuple[Observer, ...]:
        return tuple(
            Observer(plugin=plugin.name, hook=hook, function=found.function, takes_value=bool(found.argnames))
            for plugin in self._plugins
            for found in self._implementations(plugin, hook)
        )
