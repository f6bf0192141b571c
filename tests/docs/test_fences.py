"""Every fence of README and docs in a language that could run does, is checked, or says why not.

bash, sh and console: each `gatewayz` command is one with these options; the runbooks' are run by test_runbooks.py.
yaml: a configuration that loads, with settings that its plugins take. python: names that are there; README's runs, those of
docs/plugins run in test_hooks_guide.py and tests/unit/plugins. `<!-- not run: REASON -->` on the line before excuses one.
"""

import ast
import asyncio
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import typer
import yaml

from gatewayz.cli.application import build
from gatewayz.config.load import load
from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.config.settings import Settings
from gatewayz.loader.code import load_code
from gatewayz.loader.discovery import builtins
from gatewayz.loader.lifecycle import decode_entries

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
HOOKS = ROOT / "docs/plugins/hooks.md"
EVERYTHING = sorted({f"{name.partition('.')[0]}.*" for name in builtins()})
FENCE = re.compile(r"^(?P<before>[^\n]*)\n(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```", re.MULTILINE | re.DOTALL)


class Fence(NamedTuple):
    page: Path
    line: int
    language: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def fences(*languages: str) -> list[Fence]:
    return [fence for page in PAGES for fence in fences_of(page) if fence.language in languages]


def fences_of(page: Path) -> Iterator[Fence]:
    text = page.read_text()
    for found in FENCE.finditer(text):
        excuse = re.fullmatch(r"<!-- not run: (.+) -->", found["before"].strip())
        if excuse is None:
            yield Fence(page, text.count("\n", 0, found.start("language")) + 1, found["language"], found["text"])
        else:
            assert excuse[1].strip()


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each `gatewayz` command, wherever on a line it begins."""
    for line in text.replace("\\\n", " ").splitlines():
        for found in re.finditer(r"(?:^|[$(;|&] *|[A-Z_]+=\S+ +)gatewayz ([^|;&)#]*)", line):
            yield shlex.split(found[1])


@pytest.mark.parametrize("fence", fences("bash", "sh", "console"), ids=lambda fence: fence.id)
def test_commands_are_there(fence: Fence) -> None:
    app = typer.main.get_command(build())
    for words in commands(fence.text):
        command: click.Command = app
        context = click.Context(app)
        while isinstance(command, click.Group):
            found = command.get_command(context, words[0])
            assert found is not None, f"there is no command {words}"
            command, words = found, words[1:]
            context = click.Context(command, parent=context)
        command.make_context("gatewayz", list(words), resilient_parsing=False)
    for target in re.findall(r"^ *make (\w[\w-]*)", fence.text, re.MULTILINE):
        assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"no target {target}"


@pytest.mark.parametrize(
    "fence", [fence for fence in fences("yaml") if fence.page != HOOKS], ids=lambda fence: fence.id
)
def test_configurations_load_and_their_plugins_take_them(fence: Fence, tmp_path: Path) -> None:
    document: Any = yaml.safe_load(fence.text)
    if set(document) >= {"kind", "name", "summary"}:
        return  # a manifest: tests/unit/loader/test_manifest.py
    assert set(document) <= set(Settings.__struct_fields__), "top-level keys of the configuration"
    document["plugins"] = EVERYTHING
    document.setdefault("routers", {"default": {"use": "failover"}})
    (tmp_path / "gatewayz.yaml").write_text(yaml.safe_dump(document))
    names = re.findall(r"\$\{(\w+)\}", fence.text)
    environ = {name: "value-of-at-least-thirty-two-characters" for name in names}
    try:
        loaded = load(tmp_path / "gatewayz.yaml", environ=environ)
        _, off = decode_entries(loaded, asyncio.run(load_code(loaded)).registry)
    except ConfigurationInvalid as err:
        raise AssertionError("; ".join(map(str, err.problems))) from err
    assert list(off) == []


@pytest.mark.parametrize("fence", fences("python"), ids=lambda fence: fence.id)
def test_python_names_what_is_there(fence: Fence) -> None:
    for node in ast.walk(ast.parse(fence.text)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("gatewayz", "openai", "anthropic"):
            module = importlib.import_module(str(node.module))
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []
