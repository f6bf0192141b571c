from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewayz.loader.code import Code, load_builtins, load_code
from gatewayz.loader.quality import RUNGS, Quality, judge
from tests.fakes.config_files import ConfigFolder
from tests.fakes.plugin_modules import PluginFolder, plugin_folder

PROVIDER = '''
"""Documented."""
import msgspec
from gatewayz.sdk.hookspecs import hookimpl
from gatewayz.sdk.secret import Secret
from gatewayz_plugins.providers.echo.provider import EchoProvider

{api}

class Settings(msgspec.Struct, kw_only=True{forbid}):
    """Documented."""
    api_key: {kind} = {default}
    {configured}

@hookimpl
def gatewayz_register_providers(register):
    register("mine", EchoProvider, settings=Settings)
'''
GOOD = {
    "api": 'gatewayz_api = ">=1.0,<2"',
    "forbid": ", forbid_unknown_fields=True",
    "kind": "Secret",
    "default": 'Secret("")',
    "configured": "def is_configured(self): return True",
}
MANIFEST = """
kind: provider
name: mine
summary: Mine.
owner: me
docs: https://example.com
capabilities: [chat]
quality: gold
"""


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginFolder]:
    with plugin_folder(tmp_path, monkeypatch) as folder:
        yield folder


def judged(code: Code) -> dict[str, Quality]:
    return {
        plugin.name: judge(plugin, code.hooks.implemented_by(plugin), code.registry.implementations(plugin.name))
        for plugin in code.plugins
    }


async def look(plugins: PluginFolder, tmp_path: Path, manifest: str = MANIFEST, **changes: str) -> Quality:
    plugins.add("mine", PROVIDER.format(**{**GOOD, **changes}))
    if manifest:
        (plugins.root / "plugin.yaml").write_text(manifest)
    loaded = ConfigFolder(tmp_path / "etc").load("plugins: [mine]\n")
    return judged(await load_code(loaded))["mine"]


async def test_everything_that_comes_with_the_gateway_is_at_the_top() -> None:
    found = judged(await load_builtins())
    assert {name: quality.missing for name, quality in found.items() if quality.reached != "platinum"} == {}


async def test_gold_is_reached_and_the_next_rung_says_what_it_wants(plugins: PluginFolder, tmp_path: Path) -> None:
    quality = await look(plugins, tmp_path)
    assert (quality.claimed, quality.reached, quality.is_honest) == ("gold", "gold", True)
    assert [word for word in ("py.typed", "pyproject.toml") if word in " ".join(quality.missing)]


@pytest.mark.parametrize(
    ("reached", "missing", "changes"),
    [
        ("", "plugin.yaml", {"manifest": ""}),
        ("", "range of versions", {"api": ""}),
        ("", "range of versions", {"api": 'gatewayz_api = ">=1.0"'}),
        ("bronze", "owner, docs", {"manifest": "kind: provider\nname: mine\nsummary: Mine.\nquality: gold\n"}),
        ("bronze", "forbid_unknown_fields", {"forbid": ""}),
        ("bronze", "Secret for mine.api_key", {"kind": "str", "default": '""'}),
        ("bronze", "Secret for mine.api_key", {"kind": "str | None", "default": "None"}),
        ("silver", "'other' of the kind 'provider'", {"manifest": MANIFEST.replace("name: mine", "name: other")}),
        ("silver", "of the kind 'router'", {"manifest": MANIFEST.replace("kind: provider", "kind: router")}),
        ("silver", "is_configured", {"configured": ""}),
        ("silver", "capabilities", {"manifest": MANIFEST.replace("capabilities: [chat]\n", "")}),
    ],
)
async def test_what_keeps_a_plugin_from_gold(
    plugins: PluginFolder, tmp_path: Path, reached: str, missing: str, changes: dict[str, str]
) -> None:
    quality = await look(plugins, tmp_path, **changes)
    assert quality.reached == reached
    assert missing in "; ".join(quality.missing)
    assert quality.is_honest is (not changes.get("manifest", MANIFEST))


async def test_a_rung_that_does_not_exist_is_a_claim_too_many(plugins: PluginFolder, tmp_path: Path) -> None:
    quality = await look(plugins, tmp_path, MANIFEST.replace("quality: gold", "quality: diamond"))
    assert (quality.reached, quality.is_honest) == ("gold", False)


def test_the_guide_names_every_rung() -> None:
    guide = (Path(__file__).parents[3] / "docs/plugins/quality.md").read_text()
    assert [line.split("|")[1].strip() for line in guide.splitlines() if line.startswith("| ")][1:] == list(RUNGS)
