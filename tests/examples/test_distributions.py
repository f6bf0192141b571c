"""Plugins of other people: built, installed beside our wheel outside of the tree, let in by YAML, used."""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import yaml

from gatewayz.cli.scaffold import KINDS
from tests.fakes.fresh_environment import ROOT, FreshEnvironment
from tests.fakes.stub_upstream import stub_upstream

EXAMPLE = ROOT / "examples" / "gatewayz-example-provider"
TESTS = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestDeprecationWarning")
CONFIG = {
    "data_dir": "var",
    "store": {"url": "sqlite+aiosqlite:///gatewayz.db"},
    "catalog_sync": {"enabled": False},
    "catalog_snapshot": False,
}


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> FreshEnvironment:
    environment = FreshEnvironment(tmp_path_factory.mktemp("elsewhere"))
    environment.install(ROOT)
    return environment


def test_the_wheel_is_whole_outside_of_the_tree(elsewhere: FreshEnvironment) -> None:
    where = elsewhere.run(
        "python", "-c", "import gatewayz, gatewayz_plugins as p; print(gatewayz.__file__, p.__file__)"
    )
    assert all(path.startswith(str(elsewhere.folder)) for path in where.split())
    assert "ok: " in elsewhere.run("gatewayz", "check"), "the shipped configuration is in the wheel"


@pytest.mark.parametrize("kind", KINDS)
def test_a_scaffold_is_installed_tested_and_listed(elsewhere: FreshEnvironment, kind: str, tmp_path: Path) -> None:
    name = f"mine_{kind}"
    dashed = name.replace("_", "-")
    source = tmp_path / "source"
    elsewhere.run("gatewayz", "scaffold", kind, name, "--into", str(source))
    distribution = source / f"gatewayz-{dashed}"
    elsewhere.install(distribution)
    assert " passed" in elsewhere.run("python", *TESTS, str(distribution / "tests"), cwd=tmp_path)
    lists = [*_plugins(elsewhere, tmp_path, [])["not_let_in"]]
    assert dashed in lists, "installed is not enabled"
    (listed,) = (
        plugin for plugin in _plugins(elsewhere, tmp_path, [dashed])["plugins"] if plugin["origin"] != "built-in"
    )
    sections = {"provider": "providers", "router": "routers"}
    assert listed["name"] == dashed
    assert listed["origin"] == f"gatewayz-{dashed}"
    assert listed["offers"] == [f"{sections.get(kind, kind)}.{name}"]
    assert listed["api"] == ">=1.0,<2"


def _plugins(elsewhere: FreshEnvironment, folder: Path, names: list[str]) -> dict:
    config = {**CONFIG, "plugins": ["providers.*", "routers.*", "billing.*", *names]}
    (folder / "gatewayz.yaml").write_text(yaml.safe_dump(config))
    return json.loads(elsewhere.run("gatewayz", "plugins", "--json", cwd=folder))


def test_the_example_is_installed_tested_and_serves(elsewhere: FreshEnvironment, tmp_path: Path) -> None:
    elsewhere.install(EXAMPLE)
    (tmp_path / "tests").symlink_to(EXAMPLE / "tests")
    assert " passed" in elsewhere.run("python", *TESTS, "-o", "asyncio_mode=auto", "tests", cwd=tmp_path)
    with stub_upstream() as upstream:
        entry = {"base_url": upstream.url, "api_key": "a key", "signing_secret": "a secret"}
        config = {
            **CONFIG,
            "plugins": ["providers.*", "routers.*", "billing.*", "example-provider"],
            "providers": {"signed": {"use": "signed_openai", **entry}},
            "models": {"acme/one": {"offers": {"signed": {"id": "one", "price": {"input": "1", "output": "2"}}}}},
            "routers": {"default": {"use": "failover"}},
            "billing": {"use": "unmetered"},
        }
        (tmp_path / "gatewayz.yaml").write_text(yaml.safe_dump(config))
        created = elsewhere.run("gatewayz", "users", "create", "a@example.com", "--json", cwd=tmp_path)
        with _serving(elsewhere, tmp_path) as base:
            answer = httpx.post(
                f"{base}/v1/chat/completions",
                headers={"authorization": f"Bearer {json.loads(created)['api_key']}"},
                json={"model": "acme/one", "messages": [{"role": "user", "content": "hello"}]},
            )
        assert answer.status_code == 200, answer.text
        assert answer.json()["choices"][0]["message"]["content"]
        sent = upstream.seen[0].headers
        assert sent["authorization"] == "Bearer a key", "the request is the plugin's"
        assert re.fullmatch(r"[0-9a-f]{64}", sent["x-signature"])


@contextmanager
def _serving(elsewhere: FreshEnvironment, folder: Path) -> Iterator[str]:
    """Run `gatewayz serve` of the environment in a folder; give its address."""
    process = subprocess.Popen(
        [elsewhere.command("gatewayz"), "serve", "--port", "0"],
        cwd=folder,
        env=elsewhere.environ(),
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    said = []
    try:
        for line in process.stderr:
            said.append(line)
            if found := re.search(r"listening on (http://127\.0\.0\.1:\d+)", line):
                yield found[1]
                break
        else:
            raise AssertionError("the gateway did not start:\n" + "".join(said))
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)
