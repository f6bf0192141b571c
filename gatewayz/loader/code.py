"""The code of plugins: imported as the configuration names it, and what it registered."""

from collections.abc import Sequence
from typing import Final

import msgspec

from gatewayz.config.load import Loaded
from gatewayz.config.problems import ConfigurationInvalid, Problem
from gatewayz.loader.discovery import Plugin, builtins, import_plugin, wanted
from gatewayz.loader.hooks import Hooks
from gatewayz.loader.registry import Registry
from gatewayz.sdk.errors import ConfigurationError

__all__ = ["DEADLINES", "Code", "Deadlines", "load_builtins", "load_code"]


class Deadlines(msgspec.Struct, frozen=True, kw_only=True):
    """How long plugin code may take, in seconds, for each step."""

    import_s: float = 20.0
    register_s: float = 10.0
    build_s: float = 10.0
    provision_s: float = 20.0
    close_s: float = 10.0


DEADLINES: Final = Deadlines()


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """Plugins that were let in, and what they registered."""

    plugins: tuple[Plugin, ...]
    hooks: Hooks
    registry: Registry


async def load_code(loaded: Loaded, *, deadlines: Deadlines = DEADLINES) -> Code:
    """Import the plugins that the configuration names and let them register.

    Raises ConfigurationInvalid naming every plugin that is missing, fails or hangs.
    """
    problems: list[Problem] = []
    plugins: dict[str, Plugin] = {}
    for index, name in enumerate(loaded.settings.plugins):
        path = ("plugins", index)
        try:
            sources = wanted([name])
        except ConfigurationError as err:
            problems.append(loaded.problem(path, err.message))
            continue
        for source in sources:
            if source.name in plugins:
                continue
            try:
                plugins[source.name] = await import_plugin(source, deadline_s=deadlines.import_s)
            except ConfigurationError as err:
                problems.append(loaded.problem(path, err.message))
    if problems:
        raise ConfigurationInvalid(problems)
    return await _register(list(plugins.values()), deadlines)


async def load_builtins(*, deadlines: Deadlines = DEADLINES) -> Code:
    """Import every plugin that comes with the gateway. Raises ConfigurationError."""
    sources = builtins().values()
    return await _register(
        [await import_plugin(source, deadline_s=deadlines.import_s) for source in sources], deadlines
    )


async def _register(plugins: Sequence[Plugin], deadlines: Deadlines) -> Code:
    hooks = Hooks(plugins)
    registry = Registry()
    await hooks.register_all(registry, deadline_s=deadlines.register_s)
    return Code(plugins=tuple(plugins), hooks=hooks, registry=registry)
