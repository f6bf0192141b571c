"""Plugins of other people: built, installed beside our wheel outside of the tree, let in by YAML, used."""

import json
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

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
    """An environment with our wheel, the example's, and one of each kind of scaffold."""
    environment = FreshEnvironment(tmp_path_factory.mktemp("elsewhere"))
    environment.install(ROOT)
    for kind in KINDS:
        environment.run("gatewayz", "scaffold", kind, f"my_{kind}")
    environment.install(EXAMPLE, *(environment.folder / f"gatewayz-my-{kind}" for kind in KINDS))
    return environment


def test_the_wheel_is_whole_outside_of_the_tree(elsewhere: FreshEnvironment) -> None:
    program = "import gatewayz, gatewayz_plugins; print(gatewayz.__file__, gatewayz_plugins.__file__)"
    where = elsewhere.run("python", "-c", program)
    assert all(path.startswith(str(elsewhere.folder)) for path in where.split())
    assert "ok: " in elsewhere.run("gatewayz", "check"), "the shipped configuration is in the wheel"


@pytest.mark.parametrize("kind", KINDS)
def test_the_tests_of_a_scaffold_pass(elsewhere: FreshEnvironment, kind: str, tmp_path: Path) -> None:
    tests = elsewhere.folder / f"gatewayz-my-{kind}" / "tests"
    assert " passed" in elsewhere.run("python", *TESTS, str(tests), cwd=tmp_path)


def test_scaffolds_are_listed_and_let_in_by_name_only(elsewhere: FreshEnvironment, tmp_path: Path) -> None:
    names = [f"my-{kind}" for kind in KINDS]
    closed = _plugins(elsewhere, tmp_path, [])
    assert set(names) <= set(closed["not_let_in"]), "installed is not enabled"
    assert {plugin["origin"] for plugin in closed["plugins"]} == {"built-in"}
    listed = {plugin["name"]: plugin for plugin in _plugins(elsewhere, tmp_path, names)["plugins"]}
    sections = {"provider": "providers", "router": "routers"}
    for kind in KINDS:
        plugin = listed[f"my-{kind}"]
        assert plugin["origin"] == f"gatewayz-my-{kind}"
        assert plugin["offers"] == [f"{sections.get(kind, kind)}.my_{kind}"]
        assert plugin["api"] == ">=1.0,<2"
        assert plugin["quality"]["reached"] == "bronze"


def _plugins(elsewhere: FreshEnvironment, folder: Path, names: list[str]) -> dict[str, Any]:
    config = {**CONFIG, "plugins": ["providers.*", "routers.*", "billing.*", *names]}
    (folder / "gatewayz.yaml").write_text(yaml.safe_dump(config))
    listed: dict[str, Any] = json.loads(elsewhere.run("gatewayz", "plugins", "--json", cwd=folder))
    return listed


def test_the_example_is_installed_tested_and_serves(elsewhere: FreshEnvironment, tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE / "tests", tmp_path / "tests")
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
        ladder = json.loads(elsewhere.run("gatewayz", "plugins", "--check", "--json", cwd=tmp_path))
        assert ladder["example-provider"]["reached"] == "platinum"
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
