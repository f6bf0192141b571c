"""Every command of the command line, on a folder of its own."""

import gzip
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from typer.testing import CliRunner, Result

from gatewayz import __version__
from gatewayz.cli import main
from gatewayz.cli.application import COMMANDS, build
from gatewayz.config.plan import save_applied
from tests.fakes.config_files import MINIMAL, ConfigFolder

MODELS = """\
aliases: {e: echo/echo}
models:
  echo/echo: {offers: {echo: {price: {input: 1, output: 2}}}}
access: {circuit_breakers: admin}
store: {url: "sqlite+aiosqlite:///${DIR}/g.db"}
data_dir: ${DIR}/var
server: {port: 0}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ConfigFolder:
    monkeypatch.setenv("DIR", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    made = ConfigFolder(tmp_path)
    made.write(MINIMAL + MODELS)
    return made


Run = Callable[..., Result]


@pytest.fixture
def run(folder: ConfigFolder) -> Run:
    def command(name: str, *arguments: str, with_config: bool = True) -> Result:
        given = [name, *arguments, *(["--config", str(folder.main)] if with_config else [])]
        return CliRunner().invoke(build([name]), given)

    return command


def data(result: Result) -> Any:
    return msgspec.json.decode(result.stdout.encode())


def test_version_is_said_without_loading_anything(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.split() == [__version__, __version__]


def test_version_as_data(run: Run) -> None:
    found = data(run("version", "--json", with_config=False))
    assert found["gatewayz"] == __version__
    assert found["packages"]["msgspec"]


def test_version_loads_no_framework() -> None:
    import subprocess

    code = "import sys; from gatewayz.cli import main; main(['version']); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for module in ("typer", "quart", "httpx", "yaml", "msgspec", "sqlalchemy"):
        assert f"'{module}'" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["check", "--config", "/nonexistent.yaml"], 1),
        (["check", "--no-such-option"], 2),
        (["no-such-command"], 2),
        (["scaffold", "provider", "Bad-Name"], 2),
        (["check", "--help"], 0),
    ],
)
def test_exit_codes(arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == code


def test_every_command_is_listed_with_a_sentence() -> None:
    result = CliRunner().invoke(build(), ["--help"])
    assert result.exit_code == 0
    for name in COMMANDS:
        assert name in result.stdout


def test_check_is_content(run: Run) -> None:
    result = run("check")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "ok: 1 providers on, 1 of 1 models served\n"
    assert result.stderr == ""


def test_check_names_every_error(run: Run, folder: ConfigFolder) -> None:
    folder.write(
        (MINIMAL + MODELS)
        .replace("{use: echo}", "{use: echo, prefx: x}")
        .replace("{e: echo/echo}", "{e: echo/ecko}")
        .replace("input: 1", "input: cheap")
    )
    result = run("check")
    assert result.exit_code == 1
    lines = [line.replace(f"{folder.root}/", "") for line in result.stderr.splitlines()]
    assert lines == [
        "error: gatewayz.yaml:5: aliases.e: leads to nothing: there is no model 'echo/ecko'; did you mean 'echo/echo'?",
        "error: gatewayz.yaml:2: providers.echo.prefx: unknown key; did you mean 'prefix'?",
        "error: models.echo/echo.offers.echo.price.input: not an amount of money: 'cheap'",
    ]


def test_check_says_what_is_left_out_of_the_shipped_catalog(run: Run, folder: ConfigFolder) -> None:
    offers = [{"model": "v/m", "id": "m", "price": {"input": 1, "output": 2}}]
    left_out = [{"id": "x", "reason": "unpriced"}, {"id": "y", "reason": "price_outlier", "detail": "99 times"}]
    file = {"date": "2026-11-24", "models": {"v/m": {}, "v/n": {}}, "offers": {"echo": offers}, "makers": {}}
    file |= {"families": {}, "left_out": {"echo": left_out, "other": left_out}}
    (folder.root / "config" / "catalog.json.gz").write_bytes(gzip.compress(json.dumps(file).encode()))
    assert run("check").stdout.splitlines() == [
        "ok: 1 providers on, 2 of 3 models served",
        "left out at echo: 1 price_outlier, 1 unpriced (--verbose lists them)",
    ]
    assert run("check", "--verbose").stdout.splitlines()[2:] == ["  x: unpriced", "  y: price_outlier, 99 times"]
    assert [each["id"] for each in data(run("check", "--json"))["left_out"]["echo"]] == ["x", "y"]
    folder.write(MINIMAL + MODELS + "catalog_snapshot: false\n")
    assert run("check").stdout == "ok: 1 providers on, 1 of 1 models served\n"
    (folder.root / "config" / "catalog.json.gz").write_bytes(b"no snapshot")
    folder.write(MINIMAL + MODELS)
    assert "the catalog snapshot catalog.json.gz cannot be read" in run("check").stderr


def test_check_as_data(run: Run, folder: ConfigFolder) -> None:
    assert data(run("check", "--json")) == {
        "ok": True,
        "problems": [],
        "instances": ["providers.echo", "routers.default", "billing.billing"],
        "models": {"configured": 1, "served": 1},
        "left_out": {},
    }
    folder.write("server: {port: x}\n")
    result = run("check", "--json")
    assert result.exit_code == 1
    (problem,) = data(result)["problems"]
    assert (problem["line"], problem["key"], problem["severity"]) == (1, "server.port", "error")


def test_check_warns_without_failing(run: Run, folder: ConfigFolder) -> None:
    folder.write(
        (MINIMAL + MODELS)
        .replace("circuit_breakers: admin", "circuit_breakers: public")
        .replace("{echo: {use: echo}}", "{echo: {use: echo, enabled: false}}")
    )
    result = run("check")
    assert result.exit_code == 0
    assert "anyone can reset circuit breakers" in result.stderr
    assert "no provider is on" in result.stderr


def test_check_fails_when_billing_is_off(run: Run, folder: ConfigFolder) -> None:
    folder.write((MINIMAL + MODELS).replace("{use: unmetered}", "{use: unmetered, enabled: false}"))
    result = run("check")
    assert result.exit_code == 1
    assert "billing is off" in result.stderr


def test_plan_against_what_was_served(run: Run, folder: ConfigFolder, tmp_path: Path) -> None:
    assert run("plan").exit_code == 1
    save_applied(folder.load(DIR=str(tmp_path)), tmp_path / "var")
    assert run("plan").stdout == "no changes\n"
    folder.write((MINIMAL + MODELS).replace("port: 0", "port: 7"))
    assert run("plan").stdout == "~ server.port: 0 -> 7\n"
    assert data(run("plan", "--json")) == {
        "changes": [{"kind": "changed", "path": "server.port", "before": "0", "after": "7"}]
    }


def test_plan_against_a_file(run: Run, folder: ConfigFolder) -> None:
    other = folder.write((MINIMAL + MODELS).replace("input: 1", "input: 3"), "other.yaml")
    result = run("plan", "--against", str(other))
    assert result.stdout == "~ models.echo/echo.offers.echo.price.input: 3 -> 1\n"


def test_plan_refuses_a_wrong_file(run: Run, folder: ConfigFolder) -> None:
    folder.write("a: 1\n")
    result = run("plan")
    assert result.exit_code == 1
    assert "unknown key" in result.stderr


def test_plugins(run: Run) -> None:
    result = run("plugins")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["PLUGIN", "VERSION", "API", "ORIGIN", "IMPORT", "OFFERS"]
    assert lines[1].startswith("providers.echo")
    assert "not let in: " in result.stdout
    assert "providers.openai_compatible" in result.stdout
    found = data(run("plugins", "--json"))
    assert found["plugins"][0]["hooks"] == ["gatewayz_register_providers"]
    assert {each["name"]: each["state"] for each in found["instances"]}["echo"] == "on"


def test_doctor_says_what_is_there(run: Run, folder: ConfigFolder) -> None:
    found = {each["name"]: each for each in data(run("doctor", "--json"))["findings"]}
    assert found["configuration"]["state"] == "ok"
    assert found["providers"]["detail"] == "echo"
    assert found["database"]["state"] == "ok"
    assert "the first start makes it" in found["database"]["detail"]
    assert not (folder.root / "g.db").exists()
    assert found["redis"]["state"] == "note"
    assert found["port"]["state"] == "ok"


def test_doctor_finds_faults(run: Run, folder: ConfigFolder) -> None:
    text = (MINIMAL + MODELS).replace("store: {", "store: {redis_url: 'redis://127.0.0.1:1/0', ")
    folder.write(text.replace("sqlite+aiosqlite:///${DIR}/g.db", "postgresql+asyncpg://u:p@127.0.0.1:1/d"))
    result = run("doctor")
    assert result.exit_code == 1
    faults = [line.split()[1] for line in result.stdout.splitlines() if line.startswith("fault")]
    assert faults == ["database", "redis"]
    folder.write("a: 1\n")
    assert run("doctor").exit_code == 1


def test_bench_needs_a_checkout(run: Run, tmp_path: Path) -> None:
    result = run("bench", "--folder", str(tmp_path), with_config=False)
    assert result.exit_code == 1
    (tmp_path / "__main__.py").write_text("import sys; sys.exit(len(sys.argv))")
    assert run("bench", "--folder", str(tmp_path), "--quick", "x", with_config=False).exit_code == 3
