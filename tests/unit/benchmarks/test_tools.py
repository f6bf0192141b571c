import stat
from pathlib import Path

import pytest

from benchmarks.kit.tools import Unavailable, compile_tools, litellm_command, nginx_command, portkey_command
from benchmarks.run import main, shown_command


def _executable(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_a_peer_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="litellm is not installed"):
        litellm_command(tmp_path, may_install=False)


def test_a_peer_that_is_there_is_taken(tmp_path: Path) -> None:
    command = _executable(tmp_path / "v-litellm" / "bin" / "litellm")
    assert litellm_command(tmp_path, may_install=False) == str(command)


def test_portkey_needs_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="node and npm"):
        portkey_command(tmp_path, may_install=True)


def test_nginx_is_found_on_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = _executable(tmp_path / "nginx")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert nginx_command(tmp_path, may_install=False) == str(command)


def test_without_a_compiler_nothing_can_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no C compiler"):
        compile_tools(tmp_path)


def test_tools_newer_than_their_sources_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mock", "lg"):
        _executable(tmp_path / name)
    monkeypatch.setenv("PATH", str(tmp_path))
    compile_tools(tmp_path)


@pytest.mark.parametrize("arguments", [["--targets", "nobody"], ["--scenarios", "sat,never"]])
def test_an_unknown_name_is_refused_with_the_known_ones(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert "is none of" in capsys.readouterr().err


def test_the_shown_command_has_no_places() -> None:
    given = ["--reps", "2", "--out", "/somewhere/r.json", "--report=/elsewhere.md", "--scenarios", "sat,c1"]
    assert shown_command(given) == "benchmarks/run.sh --reps 2 --scenarios sat,c1"
    assert shown_command([]) == "benchmarks/run.sh"
