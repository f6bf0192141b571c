"""Every plugin folder is whole, its samples load, and what the documentation shows works."""

import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from gatewayz.sdk.testing import decode_settings

ROOT = Path(__file__).parents[3]
FOLDERS = sorted(path.parent for path in ROOT.glob("plugins/gatewayz_plugins/providers/*/plugin.yaml"))
DOCS = ROOT / "docs/plugins/providers.md"
CORE_KEYS = ("use", "enabled", "display")


def registered(module: str) -> dict[str, type[msgspec.Struct]]:
    found: dict[str, type[msgspec.Struct]] = {}

    def register(name: str, build: Any, *, settings: type[msgspec.Struct]) -> None:
        assert callable(build)
        found[name] = settings

    importlib.import_module(module).gatewayz_register_providers(register)
    return found


def all_settings() -> dict[str, type[msgspec.Struct]]:
    found: dict[str, type[msgspec.Struct]] = {}
    for folder in FOLDERS:
        found.update(registered(f"gatewayz_plugins.providers.{folder.name}"))
    return found


def without_variables(value: Any) -> Any:
    """Return a YAML value with `${NAME:-default}` at its default and `${NAME}` as some text."""
    if isinstance(value, dict):
        return {key: without_variables(held) for key, held in value.items()}
    if isinstance(value, list):
        return [without_variables(held) for held in value]
    if isinstance(value, str):
        previous = None
        while previous != value:
            previous, value = value, re.sub(r"\$\{\w+(?::-([^${}]*))?\}", lambda m: m[1] or "", value)
    return value


def entries_in(path: Path) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for block in re.findall(r"```yaml\n(.*?)```", path.read_text(), re.DOTALL):
        document = yaml.safe_load(block)
        found.extend(without_variables(document.get("providers") or {}).items())
    return found


def settings_of(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in CORE_KEYS}


def test_there_are_plugins() -> None:
    assert len(FOLDERS) >= 10


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_folder_is_whole(folder: Path) -> None:
    manifest = yaml.safe_load((folder / "plugin.yaml").read_text())
    assert (manifest["kind"], manifest["name"]) == ("provider", folder.name)
    assert manifest["summary"].endswith(".")
    assert (ROOT / manifest["docs"]).is_file()
    assert (folder / "provider.py").is_file()
    assert list(registered(f"gatewayz_plugins.providers.{folder.name}")) == [folder.name]
    assert len((folder / "__init__.py").read_text().splitlines()) < 20


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_sample_loads(folder: Path) -> None:
    entries = entries_in(folder / "README.md")
    assert entries
    for name, entry in entries:
        settings = all_settings()[entry["use"]]
        assert entry["use"] == folder.name, name
        decode_settings(settings, settings_of(entry))


def test_shipped_entries_decode_and_are_off_without_keys() -> None:
    data = without_variables(yaml.safe_load((ROOT / "config/providers.yaml").read_text()))
    types = all_settings()
    for name, entry in data.items():
        settings = decode_settings(types[entry["use"]], settings_of(entry))
        if name != "local":
            assert settings.is_configured() is False, name


def test_shipped_entries_are_those_of_the_specification() -> None:
    data = yaml.safe_load((ROOT / "config/providers.yaml").read_text())
    listed = [name for name, entry in data.items() if entry["display"].get("is_listed", True)]
    syncable = [name for name, entry in data.items() if entry["display"].get("is_syncable", True)]
    assert len(listed) == 33
    assert len(syncable) == 33
    assert set(listed) - set(syncable) == {"alpaca", "notdiamond"}
    assert set(syncable) - set(listed) == {"modelz", "cohere"}
    assert {"akash", "nosana"} <= set(data)
    fast = [name for name in listed if data[name]["display"].get("priority") == "fast"]
    assert len(fast) == 9


def test_samples_of_the_documentation_load() -> None:
    shipped = yaml.safe_load((ROOT / "config/providers.yaml").read_text())
    for name, entry in entries_in(DOCS):
        merged = {**without_variables(shipped.get(name, {})), **entry}
        decode_settings(all_settings()[merged["use"]], settings_of(merged))


def test_the_documented_plugin_passes_the_contract(tmp_path: Path) -> None:
    plugin, test = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    code = [line for line in plugin.splitlines() if line.strip()]
    assert len(code) <= 60
    (tmp_path / "acme.py").write_text(plugin)
    (tmp_path / "test_acme.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), "test_acme.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]


def test_the_smallest_provider_is_small() -> None:
    source = (ROOT / "plugins/gatewayz_plugins/providers/echo/provider.py").read_text()
    assert len([line for line in source.splitlines() if line.strip()]) <= 60
