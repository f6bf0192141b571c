"""Third-party plugins written to a folder: modules with entry points, as an installed distribution has them."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.testing import FakeClock, FakeHttpClient
from gatewayz.sdk.testing.fakes import Answer

GOOD = """\
import msgspec
from gatewayz.sdk.hookspecs import hookimpl
from gatewayz_plugins.providers.echo.provider import EchoProvider, EchoSettings

gatewayz_api = ">=1.0,<2"

@hookimpl
def gatewayz_register_providers(register):
    register({name!r}, EchoProvider, settings=EchoSettings)
"""


class PluginFolder:
    """Writes plugin modules; each is found by its entry point once the folder is importable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.modules: list[str] = []

    def add(self, name: str, source: str, *, distribution: str | None = None) -> str:
        """Write a plugin and return its module's name."""
        module = f"fake_plugin_{name}_{abs(hash(self.root))}"
        (self.root / f"{module}.py").write_text(source, encoding="utf-8")
        info = self.root / f"{distribution or f'dist_{name}'}-1.2.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution or f'dist_{name}'}\nVersion: 1.2\n")
        with (info / "entry_points.txt").open("a", encoding="utf-8") as points:
            points.write(f"[gatewayz]\n{name} = {module}\n")
        self.modules.append(module)
        return module

    def good(self, name: str) -> str:
        """Write a plugin that registers the echo provider under its own name."""
        return self.add(name, GOOD.format(name=name))


@contextmanager
def plugin_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginFolder]:
    """Give a folder of plugins on the import path, and forget its modules afterwards."""
    root = tmp_path / "plugins"
    root.mkdir()
    monkeypatch.syspath_prepend(str(root))
    folder = PluginFolder(root)
    try:
        yield folder
    finally:
        for module in folder.modules:
            sys.modules.pop(module, None)


def context(section: str, name: str) -> PluginContext:
    """Return what an instance is given, without sockets."""
    import logging

    return PluginContext(
        instance=name,
        http=FakeHttpClient(Answer()),
        clock=FakeClock(),
        logger=logging.getLogger(f"test.{section}.{name}"),
        data_dir=Path("/nonexistent"),
    )
