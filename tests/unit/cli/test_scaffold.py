from pathlib import Path

import pytest
from typer.testing import CliRunner

from gatewayz.cli.application import build
from gatewayz.cli.scaffold import KINDS


def scaffold(name: str, into: Path, kind: str = "provider") -> int:
    return CliRunner().invoke(build(["scaffold"]), ["scaffold", kind, name, "--into", str(into)]).exit_code


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


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_tests_in_place(tmp_path: Path, kind: str) -> None:
    """tests/examples installs each outside of the tree and runs them."""
    assert scaffold("my_own", tmp_path, kind) == 0
    (tests,) = tmp_path.glob("gatewayz-my-own/tests/test_*.py")
    assert f"class TestMyOwn({kind.capitalize()}Contract)" in tests.read_text()
