import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.loader.code import Code, Deadlines, load_code
from tests.fakes.config_files import ConfigFolder
from tests.fakes.plugin_modules import PluginFolder, plugin_folder

HEAD = """\
import msgspec
from gatewayz.sdk.hookspecs import hookimpl
class S(msgspec.Struct): pass
seen = []
"""
FAST = Deadlines(register_s=0.2)


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginFolder]:
    with plugin_folder(tmp_path, monkeypatch) as folder:
        yield folder


@pytest.fixture
def config(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path / "etc")


async def load(config: ConfigFolder, names: str) -> Code:
    return await load_code(config.load(f"plugins: {names}\n"), deadlines=FAST)


async def errors(config: ConfigFolder, names: str) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        await load(config, names)
    return [str(each) for each in caught.value.problems]


async def test_each_kind_registers_through_its_hook(plugins: PluginFolder, config: ConfigFolder) -> None:
    hooks = ("providers", "routers", "billing", "health_checks")
    source = HEAD + "".join(
        f"@hookimpl\ndef gatewayz_register_{hook}(register): register('mine', object, settings=S)\n" for hook in hooks
    )
    plugins.add("mine", source)
    code = await load(config, "[mine]")
    found = [(each.section, each.name, each.plugin) for each in code.registry.implementations()]
    assert found == [(section, "mine", "mine") for section in ("providers", "routers", "billing", "health")]
    assert code.registry.find("providers", "mine") is not None
    assert code.registry.find("providers", "yours") is None
    assert code.hooks.implemented_by(code.plugins[0]) == tuple(sorted(f"gatewayz_register_{hook}" for hook in hooks))
    assert set(code.registry.settings_types()["routers"]) == {"mine"}


async def test_a_hook_may_take_no_argument(plugins: PluginFolder, config: ConfigFolder) -> None:
    plugins.add("idle", HEAD + "@hookimpl\ndef gatewayz_register_providers(): seen.append(1)\n")
    code = await load(config, "[idle]")
    assert code.plugins[0].module.seen == [1]


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("@hookimpl\ndef gatewayz_register_provider(register): pass\n", "unknown hook 'gatewayz_register_provider'"),
        ("@hookimpl\ndef gatewayz_register_providers(registry): pass\n", "Argument(s) {'registry'}"),
        ("@hookimpl\ndef gatewayz_register_providers(register): 1 / 0\n", "failed: ZeroDivisionError"),
        ("@hookimpl\ndef gatewayz_register_providers(register): raise SystemExit\n", "failed: SystemExit"),
        ("@hookimpl\nasync def gatewayz_register_providers(register): pass\n", "hooks are plain functions"),
        (
            "import time\n@hookimpl\ndef gatewayz_register_providers(register): time.sleep(1)\n",
            "took longer than 0.2 s",
        ),
        (
            "@hookimpl\ndef gatewayz_register_providers(register): register('echo', object, settings=S)\n",
            "'echo' is taken by plugin 'providers.echo'",
        ),
        (
            "@hookimpl\ndef gatewayz_register_providers(register): register('Bad Name', object, settings=S)\n",
            "not a name for an implementation: 'Bad Name'",
        ),
        (
            "@hookimpl\ndef gatewayz_register_providers(register): register('x', 5, settings=S)\n",
            "something that cannot be called",
        ),
        (
            "@hookimpl\ndef gatewayz_register_providers(register): register('x', object, settings=dict)\n",
            "must be a msgspec.Struct type",
        ),
        (
            "@hookimpl(wrapper=True)\ndef gatewayz_register_providers(register):\n    yield\n",
            "must not be a wrapper",
        ),
    ],
)
async def test_a_registration_that_fails_stops_the_start_and_is_named(
    plugins: PluginFolder, config: ConfigFolder, source: str, said: str
) -> None:
    plugins.add("bad", HEAD + source)
    (problem,) = await errors(config, "[providers.echo, bad]")
    assert "plugin 'bad'" in problem
    assert said in problem


async def test_one_failing_plugin_does_not_keep_others_from_being_reported(
    plugins: PluginFolder, config: ConfigFolder
) -> None:
    for name in ("first", "second"):
        plugins.add(name, HEAD + f"@hookimpl\ndef gatewayz_register_providers(register): raise ValueError('{name}')\n")
    problems = await errors(config, "[first, second]")
    assert ["first" in problems[0], "second" in problems[1]] == [True, True]


async def test_observers_are_bound_in_order(plugins: PluginFolder, config: ConfigFolder) -> None:
    plugins.add("one", HEAD + "@hookimpl\ndef gatewayz_attempt_finished(attempt): seen.append(attempt)\n")
    plugins.add("two", HEAD + "@hookimpl\ndef gatewayz_attempt_finished(): seen.append('told')\n")
    code = await load(config, "[two, one]")
    observers = code.hooks.attempt_finished()
    assert [observer.plugin for observer in observers] == ["two", "one"]
    assert code.hooks.request_settled() == ()
    for observer in observers:
        observer.tell("attempt")
    assert [plugin.module.seen for plugin in code.plugins] == [["told"], ["attempt"]]


async def test_an_async_hook_leaves_no_coroutine_behind(plugins: PluginFolder, config: ConfigFolder) -> None:
    plugins.add("bad", HEAD + "@hookimpl\nasync def gatewayz_register_routers(register): pass\n")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        await errors(config, "[bad]")
