"""Which plugins are let in. Only what the configuration names is imported: installed is not enabled.

`providers.echo` is a built-in, `providers.*` all built-ins of a kind; any other name is an entry
point in the group `gatewayz`.
"""

import importlib
import importlib.util
import pkgutil
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Final

import msgspec

from gatewayz import __version__
from gatewayz.config.problems import did_you_mean
from gatewayz.loader.contain import run_contained
from gatewayz.loader.manifest import MANIFEST, Manifest, is_in_range, read_manifest
from gatewayz.loader.registry import SECTIONS
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.hookspecs import GATEWAYZ_API

__all__ = ["ENTRY_POINT_GROUP", "Plugin", "Source", "builtins", "import_plugin", "third_parties", "wanted"]

ENTRY_POINT_GROUP: Final = "gatewayz"
BUILTIN_PACKAGE: Final = "gatewayz_plugins"
IMPORT_DEADLINE_S: Final = 20.0


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that may be imported, and where it comes from."""

    name: str
    module: str
    origin: str
    """`built-in`, or the distribution it was installed with."""
    version: str

    @property
    def is_builtin(self) -> bool:
        """True when it comes with the gateway."""
        return self.origin == "built-in"


class Plugin(msgspec.Struct, frozen=True, kw_only=True):
    """An imported plugin."""

    source: Source
    module: ModuleType
    import_ms: float
    """How long the import took; next to nothing when something else had imported it."""

    @property
    def name(self) -> str:
        """The name by which the configuration lists it."""
        return self.source.name

    @property
    def api(self) -> str:
        """Versions of the interface it takes, as it says itself; empty when it does not say."""
        said = getattr(self.module, "gatewayz_api", None)
        if isinstance(said, str):
            return said
        manifest = self.manifest
        return manifest.api if manifest is not None else ""

    @property
    def manifest(self) -> Manifest | None:
        """What its `plugin.yaml` says, None without one. Raises ConfigurationInvalid."""
        file = self.module.__file__
        return read_manifest(Path(file).parent) if file is not None else None


def builtins() -> dict[str, Source]:
    """Return the plugins that come with the gateway, by name, without importing any."""
    found: dict[str, Source] = {}
    for section in SECTIONS:
        package = f"{BUILTIN_PACKAGE}.{section}"
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            continue
        for module in pkgutil.iter_modules(spec.submodule_search_locations):
            if module.ispkg and _has_manifest(spec.submodule_search_locations, module.name):
                name = f"{section}.{module.name}"
                found[name] = Source(
                    name=name, module=f"{package}.{module.name}", origin="built-in", version=__version__
                )
    return found


def _has_manifest(folders: Iterable[str], name: str) -> bool:
    """True for a plugin. A package without a manifest is a library that plugins beside it share."""
    return any((Path(folder) / name / MANIFEST).is_file() for folder in folders)


def third_parties() -> dict[str, Source]:
    """Return installed plugins of others, by entry-point name, without importing any.

    Raises ConfigurationError when two distributions use one name: which of them was meant is a guess.
    """
    found: dict[str, Source] = {}
    for point in entry_points(group=ENTRY_POINT_GROUP):
        source = _source(point)
        taken = found.get(source.name)
        if taken is not None and taken != source:
            raise ConfigurationError(
                f"plugin name {source.name!r} is used by {taken.origin} and by {source.origin}; uninstall one"
            )
        found[source.name] = source
    return found


def _source(point: EntryPoint) -> Source:
    dist = point.dist
    return Source(
        name=point.name,
        module=point.module,
        origin=dist.name if dist is not None else "unknown",
        version=dist.version if dist is not None else "",
    )


def wanted(names: Sequence[str]) -> list[Source]:
    """Return the sources that the configured names stand for, each once, in order.

    Raises ConfigurationError for a name that nothing goes by.
    """
    ours = builtins()
    needs_others = any(name not in ours and not name.endswith(".*") for name in names)
    others = third_parties() if needs_others else {}
    chosen: dict[str, Source] = {}
    for name in names:
        for source in _named(name, ours, others):
            chosen.setdefault(source.name, source)
    return list(chosen.values())


def _named(name: str, ours: Mapping[str, Source], others: Mapping[str, Source]) -> list[Source]:
    if name.endswith(".*"):
        section = name.removesuffix(".*")
        if section not in SECTIONS:
            raise ConfigurationError(f"no kind of plugin is called {section!r}{did_you_mean(section, SECTIONS)}")
        return [source for key, source in ours.items() if key.startswith(f"{section}.")]
    source = ours.get(name) or others.get(name)
    if source is None:
        hint = did_you_mean(name, [*ours, *others])
        raise ConfigurationError(
            f"there is no plugin {name!r}: neither built in nor an entry point of group {ENTRY_POINT_GROUP!r}{hint}"
        )
    return [source]


async def import_plugin(source: Source, *, deadline_s: float = IMPORT_DEADLINE_S) -> Plugin:
    """Import a plugin's module and check that it takes our interface.

    Raises ConfigurationError naming the plugin when it raises, hangs or wants another version.
    """
    started = time.perf_counter()
    what = f"plugin {source.name!r}: importing {source.module}"
    module = sys.modules.get(source.module)
    if module is None:
        module = await run_contained(lambda: importlib.import_module(source.module), deadline_s=deadline_s, what=what)
    plugin = Plugin(source=source, module=module, import_ms=(time.perf_counter() - started) * 1000.0)
    if not source.is_builtin and not is_in_range(GATEWAYZ_API, plugin.api):
        raise ConfigurationError(
            f"plugin {source.name!r} takes versions {plugin.api} of the plugin interface; this is {GATEWAYZ_API}"
        )
    return plugin
