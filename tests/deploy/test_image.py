"""The Dockerfile, read: what it copies is there, what it runs works, what it sets is a setting."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

from gatewayz.cli.application import COMMANDS
from gatewayz.config.settings import Settings
from tests.fakes.gateway_process import GatewayProcess

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def steps() -> list[tuple[str, str]]:
    """Return instruction and arguments, continued lines joined."""
    text = re.sub(r"\\\n", " ", (ROOT / "Dockerfile").read_text())
    lines = [line.strip() for line in text.splitlines()]
    return [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]  # type: ignore[misc]


def arguments(instruction: str) -> list[str]:
    return [said for name, said in steps() if name == instruction]


def test_two_stages_and_only_what_was_built_is_in_the_second() -> None:
    bases = arguments("FROM")
    assert len(bases) == 2
    assert bases[0] == f"{bases[1]} AS build"
    version = re.match(r"python:(3\.\d+)-slim", bases[1])
    assert version is not None
    assert f"Programming Language :: Python :: {version[1]}" in PYPROJECT["project"]["classifiers"]
    last = [said for _, said in steps()[[name for name, _ in steps()].index("FROM", 1) :]]
    assert [said for said in last if said.startswith("--from=")] == ["--from=build /opt/gatewayz /opt/gatewayz"]


def test_everything_the_wheel_is_built_from_is_copied() -> None:
    copied = {source for said in arguments("COPY") if "--from" not in said for source in said.split()[:-1]}
    assert all((ROOT / source).exists() for source in copied)
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], PYPROJECT["project"]["readme"], "pyproject.toml"}
    assert {Path(each).parts[0] for each in needed} <= copied
    let_through = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert let_through == copied


def test_extras_exist() -> None:
    (command,) = (said for said in arguments("RUN") if "pip install" in said)
    found = re.search(r"'\.\[(.+)\]'", command)
    assert found is not None
    assert set(found[1].split(",")) <= set(PYPROJECT["project"]["optional-dependencies"])


def test_nobody_is_root() -> None:
    (user,) = arguments("USER")
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user), "a number, so that runAsNonRoot can be checked"
    assert any(f"--uid {user.split(':')[0]}" in said for said in arguments("RUN"))


def test_variables_are_settings() -> None:
    (said,) = arguments("ENV")
    names = {each.partition("=")[0] for each in shlex.split(said)}
    keys = {name.removeprefix("GATEWAYZ_").lower() for name in names if name.startswith("GATEWAYZ_")}
    assert keys <= set(Settings.__struct_fields__)


def test_the_command_is_one() -> None:
    (entry,), (command,) = arguments("ENTRYPOINT"), arguments("CMD")
    assert json.loads(entry) == list(PYPROJECT["project"]["scripts"])
    assert json.loads(command)[0] in COMMANDS


def test_the_health_check_is_true_of_a_gateway_and_false_of_none(tmp_path: Path) -> None:
    (said,) = arguments("HEALTHCHECK")
    command = json.loads(said.partition("CMD ")[2])
    assert command[:2] == ["python", "-c"]

    def look(port: int) -> int:
        program = command[2].replace(":8000/", f":{port}/")
        assert program != command[2]
        return subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=30, check=False).returncode

    config = {"providers": {"echo": {"use": "echo"}}}
    with GatewayProcess(tmp_path, config) as gateway:
        assert look(gateway.port) == 0
        port = gateway.port
    assert look(port) != 0
