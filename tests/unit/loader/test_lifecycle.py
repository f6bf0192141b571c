import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gatewayz.config.load import Loaded
from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.loader.code import Deadlines
from gatewayz.loader.fence import FencedProvider
from gatewayz.loader.instances import Instances
from gatewayz.loader.lifecycle import contexts, open_instances
from gatewayz.sdk.testing import FakeClock, FakeHttpClient
from gatewayz.sdk.testing.fakes import Answer
from tests.fakes.config_files import MINIMAL, ConfigFolder
from tests.fakes.plugin_modules import PluginFolder, context, plugin_folder

FAST = Deadlines(build_s=0.3, provision_s=0.2, close_s=0.2)

PLUGIN = """\
import asyncio, msgspec, time
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.hookspecs import hookimpl
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.secret import Secret

log = []

class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    act: str = ""
    key: Secret | None = None
    def is_configured(self):
        if self.act == "is_configured":
            raise RuntimeError("cannot say")
        return self.key is None or bool(self.key)

class Instance:
    capabilities = Capabilities()
    def __init__(self, settings, context):
        self.name, self.act = context.instance, settings.act
        log.append(("built", self.name))
        if self.act == "build": raise ValueError("cannot be built")
        if self.act == "build exits": raise SystemExit(1)
        if self.act == "build hangs": time.sleep(1)
        if self.act == "needs extra": raise ConfigurationError("install the extra")
        if self.act == "no capabilities": self.capabilities = None
        if self.act == "formats": self.capabilities = Capabilities(formats=frozenset({"openai_chat"}))
        if self.act == "no stream": self.stream = None
    async def provision(self):
        if self.act == "provision": raise OSError("no route")
        if self.act in ("hang", "hang twice"): await asyncio.sleep(60)
        log.append(("provisioned", self.name))
    async def complete(self, call, context): ...
    def stream(self, call, context): ...
    async def list_models(self): return ()
    def rank(self, call, offers, signals): ...
    async def probe(self): ...
    async def aclose(self):
        log.append(("closed", self.name))
        if self.act in ("close hangs", "hang twice"): await asyncio.sleep(60)
        if self.act == "close": raise ValueError("stuck")

def build(settings, context):
    return None if settings.act == "none" else Instance(settings, context)

@hookimpl
def gatewayz_register_providers(register): register("mine", build, settings=Settings)
@hookimpl
def gatewayz_register_routers(register): register("mine", build, settings=Settings)
@hookimpl
def gatewayz_register_health_checks(register): register("mine", build, settings=Settings)
@hookimpl
def gatewayz_register_billing(register): register("mine", build, settings=Settings)
@hookimpl
def gatewayz_request_settled(settlement): log.append(("settled", settlement))
"""

HEAD = "plugins: [providers.echo, routers.failover, billing.unmetered, mine]\nrouters: {default: {use: failover}}\n"


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PluginFolder]:
    with plugin_folder(tmp_path, monkeypatch) as folder:
        folder.add("mine", PLUGIN)
        yield folder


@pytest.fixture
def config(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path / "etc")


@pytest.fixture
def log(plugins: PluginFolder) -> list[tuple[str, Any]]:
    """What the plugin's instances did, by the module that is imported for this test."""
    import importlib

    module = importlib.import_module(plugins.modules[0])
    entries: list[tuple[str, Any]] = module.log
    return entries


async def start(loaded: Loaded, previous: Instances | None = None) -> Instances:
    return await open_instances(loaded, context, previous=previous, deadlines=FAST)


def text_of(err: ConfigurationInvalid, config: ConfigFolder) -> list[str]:
    return [str(problem).replace(f"{config.root}/", "") for problem in err.problems]


async def test_instances_are_built_provisioned_and_closed(
    plugins: PluginFolder, config: ConfigFolder, log: list[Any]
) -> None:
    instances = await start(config.load(HEAD + "providers: {a: {use: mine}, e: {use: echo}}\n"))
    assert set(instances.providers) == {"a", "e"}
    assert isinstance(instances.providers["a"], FencedProvider)
    assert set(instances.routers) == {"default"}
    assert log == [("built", "a"), ("provisioned", "a")]
    assert [(state.name, state.state) for state in instances.states if state.section == "providers"] == [
        ("a", "serving"),
        ("e", "serving"),
    ]
    await instances.aclose()
    await instances.aclose()
    assert log[2:] == [("closed", "a")]


async def test_switches(plugins: PluginFolder, config: ConfigFolder) -> None:
    entries = """\
providers:
  no: {use: mine, enabled: false}
  empty: {use: mine, key: "${K:-}"}
  forced: {use: mine, key: "${K:-}", enabled: true}
  open: {use: mine}
"""
    instances = await start(config.load(HEAD + entries))
    assert set(instances.providers) == {"forced", "open"}
    reasons = {state.name: state.reason for state in instances.states if state.state == "off"}
    assert reasons == {
        "no": "switched off by `enabled: false`",
        "empty": "not configured: what its settings need is empty",
    }
    await instances.aclose()


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        ("build", "building failed: ValueError: cannot be built"),
        ("build exits", "building failed: SystemExit: 1"),
        ("build hangs", "building took longer than 0.3 s"),
        ("needs extra", "install the extra"),
        ("none", "'mine' built a NoneType without complete, stream, list_models, aclose"),
        ("no capabilities", "'mine' built a provider without capabilities"),
        ("formats", "'mine' promises formats and has no exchange()"),
        ("no stream", "'mine' built a Instance without stream"),
        ("provision", "OSError: no route"),
        ("hang", "provisioning took longer than 0.2 s"),
        ("hang twice", "provisioning took longer than 0.2 s"),
    ],
)
async def test_one_provider_that_fails_leaves_the_others_serving(
    plugins: PluginFolder, config: ConfigFolder, log: list[Any], act: str, reason: str
) -> None:
    text = HEAD + f"providers: {{bad: {{use: mine, act: {act}}}, good: {{use: mine}}}}\n"
    instances = await start(config.load(text))
    assert set(instances.providers) == {"good"}
    state = instances.state_of("providers", "bad")
    assert state is not None
    assert (state.state, state.reason) == ("unavailable", reason)
    half_open = act in ("no capabilities", "formats", "no stream", "provision", "hang", "hang twice")
    assert (("closed", "bad") in log) is half_open
    await instances.aclose()


@pytest.mark.parametrize("act", ["close", "close hangs"])
async def test_one_that_does_not_close_does_not_keep_others_open(
    plugins: PluginFolder, config: ConfigFolder, log: list[Any], act: str, caplog: pytest.LogCaptureFixture
) -> None:
    text = HEAD + f"providers: {{bad: {{use: mine, act: {act}}}, good: {{use: mine}}}}\n"
    instances = await start(config.load(text))
    await instances.aclose(deadline_s=0.1)
    assert {("closed", "bad"), ("closed", "good")} <= set(log)
    assert "('bad'" not in caplog.text
    assert "providers 'bad'" in caplog.text


async def test_every_error_of_every_entry_is_reported(plugins: PluginFolder, config: ConfigFolder) -> None:
    text = """\
providers:
  a: {use: mine, akt: x}
  b: {use: mien}
  c: {use: mine, key: [1]}
  Upper: {use: echo}
  all: {use: echo}
  d: {use: mine, act: is_configured}
health:
  h: {use: mine, act: 5}
"""
    with pytest.raises(ConfigurationInvalid) as caught:
        await start(config.load(HEAD + text))
    assert text_of(caught.value, config) == [
        "gatewayz.yaml:4: providers.a.akt: unknown key; did you mean 'act'?",
        "gatewayz.yaml:5: providers.b.use: no plugin that is let in offers 'mien' for providers; did you mean 'mine'?",
        "gatewayz.yaml:6: providers.c.key: a list is none of: text, a whole number, null",
        "gatewayz.yaml:7: providers.Upper: not a name for an instance: lower case, digits, '-', '_', '.'",
        "gatewayz.yaml:8: providers.all: not a name for an instance: endpoints use this word",
        "gatewayz.yaml:9: providers.d: plugin 'mine' failed: RuntimeError: cannot say",
        "gatewayz.yaml:11: health.h.act: expected text, found 5",
    ]


async def test_an_entry_whose_built_in_is_not_let_in_is_off_unless_it_is_forced_on(config: ConfigFolder) -> None:
    instances = await start(config.load(MINIMAL.replace("{use: echo}}", "{use: echo}, o: {use: openai_compatible}}")))
    state = instances.state_of("providers", "o")
    assert state is not None
    assert state.reason == "its plugin 'providers.openai_compatible' is not let in; add it to `plugins:`"
    await instances.aclose()
    text = MINIMAL.replace("{use: echo}}", "{use: echo}, o: {use: openai_compatible, enabled: true}}")
    with pytest.raises(ConfigurationInvalid, match="no plugin that is let in offers 'openai_compatible'"):
        await start(config.load(text))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("billing: {use: mine, act: build}", "billing: nothing can be served without it; unavailable: building failed"),
        ("billing: {use: unmetered, enabled: false}", "billing: nothing can be served without it; off: switched off"),
        ("default_router: nobody", "default_router: nothing can be served without it; there is no router 'nobody'"),
        ("default_router: bad", "routers.bad: nothing can be served without it; unavailable: building failed"),
    ],
)
async def test_what_nothing_can_be_served_without_stops_the_start(
    plugins: PluginFolder, config: ConfigFolder, log: list[Any], text: str, problem: str
) -> None:
    head = HEAD.replace("{default: {use: failover}}", "{default: {use: failover}, bad: {use: mine, act: build}}")
    with pytest.raises(ConfigurationInvalid) as caught:
        await start(config.load(head + "providers: {a: {use: mine}}\n" + text + "\n"))
    assert problem in text_of(caught.value, config)[0]
    assert log[-1] == ("closed", "a")


async def test_what_did_not_change_is_kept_and_closed_by_the_last_that_holds_it(
    plugins: PluginFolder, config: ConfigFolder, log: list[Any]
) -> None:
    first = await start(config.load(HEAD + "providers: {a: {use: mine, key: x}, b: {use: mine}}\n"))
    second = await start(config.load(HEAD + "providers: {a: {use: mine, key: x}, b: {use: mine, act: z}}\n"), first)
    third = await start(config.load(HEAD + "providers: {a: {use: mine, key: y}, b: {use: mine, act: z}}\n"), second)
    assert second.providers["a"] is first.providers["a"]
    assert second.providers["b"] is not first.providers["b"]
    assert third.providers["b"] is second.providers["b"]
    assert third.billing is first.billing
    log.clear()
    await second.aclose()
    assert log == [], "the first still holds a, the third b"
    await first.aclose()
    assert sorted(log) == [("closed", "a"), ("closed", "b")]
    await third.aclose()
    assert sorted(log) == [("closed", "a"), ("closed", "a"), ("closed", "b"), ("closed", "b")]


async def test_a_refused_configuration_closes_only_its_own(
    plugins: PluginFolder, config: ConfigFolder, log: list[Any]
) -> None:
    first = await start(config.load(HEAD + "providers: {a: {use: mine}}\n"))
    with pytest.raises(ConfigurationInvalid):
        text = "providers: {a: {use: mine}, c: {use: mine}}\nbilling: {use: mine, act: build}\n"
        await start(config.load(HEAD + text), first)
    assert ("closed", "c") in log
    assert ("closed", "a") not in log
    await first.aclose()
    assert ("closed", "a") in log


async def test_a_cancelled_start_leaves_nothing_open(
    plugins: PluginFolder, config: ConfigFolder, log: list[Any]
) -> None:
    loaded = config.load(HEAD + "providers: {a: {use: mine}, b: {use: mine, act: hang}}\n")
    task = asyncio.create_task(open_instances(loaded, context, deadlines=Deadlines(provision_s=60)))
    for _ in range(200):
        if ("provisioned", "a") in log and ("built", "b") in log:
            break
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert {("closed", "a"), ("closed", "b")} <= set(log)


async def test_observers_are_told(plugins: PluginFolder, config: ConfigFolder, log: list[Any]) -> None:
    instances = await start(config.load(HEAD + "providers: {a: {use: mine}}\n"))
    instances.observers.request_settled("settlement")  # type: ignore[arg-type]
    assert log[-1] == ("settled", "settlement")
    await instances.aclose()


def test_contexts_give_each_instance_its_own_folder_and_logger(tmp_path: Path) -> None:
    http, clock = FakeHttpClient(Answer()), FakeClock()
    made = contexts(http, clock, tmp_path)("providers", "p")
    assert (made.instance, made.http, made.clock) == ("p", http, clock)
    assert made.data_dir == tmp_path / "plugins" / "providers" / "p"
    assert made.logger.name == "gatewayz.plugins.providers.p"
    assert not made.data_dir.exists()
