import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatewayz.cli.application import build
from gatewayz.config.resources import resource

ROOT = resource("gatewayz.yaml").parent


def scaffold(name: str, into: Path) -> int:
    return CliRunner().invoke(build(["scaffold"]), ["scaffold", "provider", name, "--into", str(into)]).exit_code


def test_what_is_written(tmp_path: Path) -> None:
    assert scaffold("my_llm", tmp_path) == 0
    folder = tmp_path / "gatewayz-my-llm"
    assert sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()) == [
        "README.md",
        "gatewayz_my_llm/__init__.py",
        "gatewayz_my_llm/plugin.yaml",
        "gatewayz_my_llm/provider.py",
        "gatewayz_my_llm/settings.py",
        "pyproject.toml",
        "tests/test_provider.py",
    ]
    assert 'my-llm = "gatewayz_my_llm"' in (folder / "pyproject.toml").read_text()
    assert "${MY_LLM_API_KEY}" in (folder / "README.md").read_text()
    for file in folder.rglob("*"):
        assert file.is_dir() or "$name" not in file.read_text()
    assert scaffold("my_llm", tmp_path) == 1, "an existing folder is not written over"


@pytest.mark.parametrize("name", ["Bad", "1st", "class", "a-b", ""])
def test_names_that_are_none(tmp_path: Path, name: str) -> None:
    assert scaffold(name, tmp_path) == 2
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_passes_the_contract_suite(tmp_path: Path) -> None:
    scaffold("my_llm", tmp_path)
    folder = tmp_path / "gatewayz-my-llm"
    environ = {"PYTHONPATH": f"{ROOT}:{ROOT / 'plugins'}:{folder}", "PATH": "/usr/bin:/bin"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-x", "."]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " passed" in done.stdout
