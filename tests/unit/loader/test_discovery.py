import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.loader.code import Deadlines, load_builtins, load_code
from gatewayz.loader.discovery import builtins, third_parties, wanted
from gatewayz.sdk.errors import ConfigurationError
from tests.fakes.config_files import ConfigFolder
from tests.fakes.plugin_modules import PluginFolder, plugin_folder


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginFolder]:
    with plugin_folder(tmp_path, monkeypatch) as folder:
        yield folder


@pytest.fixture
def config(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path / "etc")


async def errors(config: ConfigFolder, names: str, deadlines: Deadlines | None = None) -> list[str]:
    loaded = config.load(f"plugins: {names}\n")
    with pytest.raises(ConfigurationInvalid) as caught:
        await load_code(loaded, deadlines=deadlines or Deadlines())
    return [str(each).replace(f"{config.root}/", "") for each in caught.value.problems]


async def test_what_is_not_named_is_never_imported(plugins: PluginFolder, config: ConfigFolder) -> None:
    good = plugins.good("good")
    evil = plugins.add("evil", "raise SystemExit('imported without being named')")
    assert {"good", "evil"} <= third_parties().keys()
    code = await load_code(config.load("plugins: [good, providers.echo]\n"))
    assert [plugin.name for plugin in code.plugins] == ["good", "providers.echo"]
    assert good in sys.modules
    assert evil not in sys.modules
    assert code.plugins[0].source.origin == "dist_good"
    assert code.plugins[0].source.version == "1.2"


def test_built_ins_are_found_without_importing_them() -> None:
    found = builtins()
    assert {"providers.echo", "routers.failover", "billing.unmetered"} <= found.keys()
    assert all(source.is_builtin for source in found.values())


def test_a_package_without_a_manifest_is_a_library() -> None:
    assert importlib.util.find_spec("gatewayz_plugins.routers.prompt_score") is not None
    assert "routers.prompt_score" not in builtins()


def test_a_star_stands_for_all_built_ins_of_a_kind() -> None:
    names = [source.name for source in wanted(["routers.failover", "routers.*", "billing.*"])]
    assert names[0] == "routers.failover"
    assert len(names) == len(set(names))
    assert "billing.unmetered" in names
    assert not any(name.startswith("providers.") for name in names)


async def test_every_built_in_loads() -> None:
    code = await load_builtins()
    assert {plugin.name for plugin in code.plugins} == builtins().keys()
    for plugin in code.plugins:
        assert plugin.manifest is not None, plugin.name
        assert plugin.manifest.name == plugin.name.partition(".")[2]
        assert code.hooks.implemented_by(plugin), plugin.name


async def test_names_that_nothing_goes_by(config: ConfigFolder) -> None:
    assert await errors(config, "[providers.ecko, provider.*, nobody]") == [
        "gatewayz.yaml:1: plugins[0]: there is no plugin 'providers.ecko': neither built in nor an entry point "
        "of group 'gatewayz'; did you mean 'providers.echo'?",
        "gatewayz.yaml:1: plugins[1]: no kind of plugin is called 'provider'; did you mean 'providers'?",
        "gatewayz.yaml:1: plugins[2]: there is no plugin 'nobody': neither built in nor an entry point "
        "of group 'gatewayz'",
    ]


async def test_a_name_of_two_distributions_is_refused(plugins: PluginFolder, config: ConfigFolder) -> None:
    plugins.add("twice", "", distribution="one")
    plugins.add("twice", "", distribution="two")
    (problem,) = await errors(config, "[twice]")
    assert "plugin name 'twice' is used by" in problem


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("raise ValueError('broken')", "failed: ValueError: broken"),
        ("import surely_not_there", "failed: ModuleNotFoundError: No module named 'surely_not_there'"),
        ("raise SystemExit(3)", "failed: SystemExit: 3"),
        ("raise KeyboardInterrupt", "failed: KeyboardInterrupt"),
        ("def", "failed: SyntaxError"),
        ("import time\ntime.sleep(1)", "took longer than 0.2 s"),
        ("gatewayz_api = '>=2.0'", "takes versions >=2.0 of the plugin interface; this is 1.0"),
        ("gatewayz_api = 'latest'", "not a version range: 'latest'"),
    ],
)
async def test_a_plugin_that_cannot_be_imported_is_named(
    plugins: PluginFolder, config: ConfigFolder, source: str, said: str
) -> None:
    plugins.add("bad", source)
    (problem,) = await errors(config, "[providers.echo, bad]", Deadlines(import_s=0.2))
    assert problem.startswith("gatewayz.yaml:1: plugins[1]: ")
    assert said in problem


async def test_one_bad_plugin_does_not_hide_another(plugins: PluginFolder, config: ConfigFolder) -> None:
    plugins.add("bad", "raise ValueError('first')")
    plugins.add("worse", "raise ValueError('second')")
    problems = await errors(config, "[bad, worse]")
    assert ["first" in problems[0], "second" in problems[1]] == [True, True]


def test_wanted_raises_for_one_name() -> None:
    with pytest.raises(ConfigurationError, match="there is no plugin"):
        wanted(["nobody"])
