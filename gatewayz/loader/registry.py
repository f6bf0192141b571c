"""Which implementations exist, by the name that `use:` says."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from gatewayz.config.problems import did_you_mean
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError

__all__ = ["SECTIONS", "Build", "Implementation", "Register", "Registry"]

SECTIONS: Final = (
    "providers",
    "routers",
    "billing",
    "payments",
    "identity",
    "hub",
    "mail",
    "tools",
    "guardrails",
    "health",
)
"""Configuration sections that hold plugin entries; each has a hook and a protocol."""

Build = Callable[[Any, PluginContext], Any]

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Implementation(msgspec.Struct, frozen=True, kw_only=True):
    """A registered way to build an instance."""

    section: str
    name: str
    build: Build
    settings: type[msgspec.Struct]
    plugin: str
    """Name of the plugin that registered it."""


class Registry:
    """Implementations by section and name; a taken name is refused."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Implementation]] = {section: {} for section in SECTIONS}

    def add(self, implementation: Implementation) -> None:
        """Take an implementation. Raises ConfigurationError for a taken name or an argument of the wrong kind."""
        who = f"plugin {implementation.plugin!r}"
        _check(implementation, who)
        known = self._found[implementation.section]
        if (taken := known.get(implementation.name)) is not None:
            raise ConfigurationError(
                f"{who}: {implementation.section} name {implementation.name!r} is taken by plugin {taken.plugin!r}"
            )
        known[implementation.name] = implementation

    def find(self, section: str, name: str) -> Implementation | None:
        """Return the implementation, or None."""
        return self._found[section].get(name)

    def implementations(self, plugin: str | None = None) -> tuple[Implementation, ...]:
        """Return all, or those of one plugin."""
        every = [found for known in self._found.values() for found in known.values()]
        return tuple(found for found in every if plugin is None or found.plugin == plugin)

    def settings_types(self) -> Mapping[str, Mapping[str, type[msgspec.Struct]]]:
        """Return section to name to settings type, for schemas."""
        return {
            section: {name: found.settings for name, found in known.items()} for section, known in self._found.items()
        }

    def suggest(self, section: str, name: str) -> str:
        """Return `; did you mean ...?` or the names there are."""
        known = self._found[section]
        return did_you_mean(name, known) or f"; there are: {', '.join(sorted(known)) or 'none'}"


class Register:
    """What a register hook calls: notes implementations of one section for one plugin."""

    def __init__(self, registry: Registry, section: str, plugin: str) -> None:
        self._registry = registry
        self._section = section
        self._plugin = plugin

    def __call__(self, name: str, build: Build, *, settings: type[Any]) -> None:
        """Offer `build` under `name`. Raises ConfigurationError for a taken name or wrong arguments."""
        self._registry.add(
            Implementation(section=self._section, name=name, build=build, settings=settings, plugin=self._plugin)
        )


def _check(implementation: Implementation, who: str) -> None:
    name: object = implementation.name  # plugins need not be typed: these are looked at, not believed
    settings: object = implementation.settings
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(f"{who}: not a name for an implementation: {name!r} (lower case, digits, '_')")
    if not callable(implementation.build):
        raise ConfigurationError(f"{who}: {name!r} is registered with something that cannot be called")
    if not (isinstance(settings, type) and issubclass(settings, msgspec.Struct)):
        raise ConfigurationError(f"{who}: the settings of {name!r} must be a msgspec.Struct type")
