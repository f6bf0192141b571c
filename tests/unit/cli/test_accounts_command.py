import re
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from gatewayz.cli import accounts, audit, database

main = typer.Typer()
main.add_typer(accounts.app)
main.add_typer(audit.app)
main.add_typer(database.app, name="db")


class Shell:
    def __init__(self, folder: Path) -> None:
        self._runner = CliRunner()
        self._config = folder / "gatewayz.yaml"
        (folder / "config").mkdir()
        self._config.write_text(
            f"store: {{url: 'sqlite:///{folder}/var/test.db'}}\ndata_dir: {folder}/var\n", encoding="utf-8"
        )

    def run(self, *arguments: str, code: int = 0) -> str:
        result = self._runner.invoke(main, [*arguments, "--config", str(self._config)])
        assert result.exit_code == code, result.output
        return result.output

    def json(self, *arguments: str) -> dict[str, object]:
        return msgspec.json.decode(self.run(*arguments, "--json"), type=dict[str, object])


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_the_first_user_on_an_empty_machine(shell: Shell) -> None:
    made = shell.json("users", "create", "ann@example.com", "--role", "admin", "--trial-days", "0", "--plan", "pro")
    assert (made["user_id"], made["key_id"], made["role"], made["plan"]) == (1, 1, "admin", "pro")
    assert re.fullmatch(r"gw_live_[\w-]{43}", str(made["api_key"]))
    assert "already" in shell.run("users", "create", "Ann@Example.com", code=1)
    assert "e-mail" in shell.run("users", "create", "nobody", code=1)
    assert "ann@example.com" in shell.run("users", "list")


def test_a_role_that_does_not_exist_is_a_usage_error(shell: Shell) -> None:
    shell.run("users", "create", "ann@example.com", "--role", "amdin", code=2)


def test_keys_from_made_to_revoked(shell: Shell) -> None:
    shell.run("users", "create", "ann@example.com")
    made = shell.json(
        "keys", "create", "--user", "1", "--name", "ci", "--rpm", "5", "--ip", "10.0.0.0/8", "--tag", "test"
    )
    text = str(made["api_key"])
    assert text.startswith("gw_test_")
    listed = shell.run("keys", "list", "--user", "1")
    assert text not in listed
    assert f"gw_test_…{text[-4:]}" in listed
    rotated = shell.run("keys", "rotate", "2", "--user", "1").strip()
    assert rotated != text
    assert "revoked" in shell.run("keys", "revoke", "2", "--user", "1")
    assert "revoked" in shell.run("keys", "list", "--user", "1")
    assert "no such key" in shell.run("keys", "revoke", "2", "--user", "7", code=1)
    assert "user" in shell.run("keys", "create", "--user", "99", code=1)
    assert "CIDR" in shell.run("keys", "create", "--user", "1", "--ip", "nowhere", code=1)
    assert shell.json("keys", "reencrypt") == {"reencrypted": 0}


def test_the_schema_is_brought_up_to_date(shell: Shell) -> None:
    assert shell.json("db", "upgrade")["before"] is None
    assert "already" in shell.run("db", "upgrade")
    assert "release" in shell.run("db", "status")


def test_an_empty_database_is_not_the_releases_schema(shell: Shell) -> None:
    shell.run("db", "status", code=1)


def test_a_configuration_error_is_said_in_words(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "gatewayz.yaml").write_text("storre: {}\n", encoding="utf-8")
    assert "storre" in shell.run("users", "list", code=1)


def test_a_generated_keyring_entry_is_one() -> None:
    result = CliRunner().invoke(main, ["keys", "generate"])
    assert re.fullmatch(r"[\w-]{43}=\n", result.output)


def test_a_user_may_start_with_money(shell: Shell) -> None:
    made = shell.json(
        "users", "create", "ann@example.com", "--credits", "10", "--allowance", "0.5", "--trial-credits", "0.000000001"
    )
    assert made["balance_usd"] == "10.500000001"
    report = shell.json("audit")
    assert report["is_clean"] is True
    assert report["totals_usd"] == {
        "trial": "0.000000001",
        "allowance": "0.5",
        "purchased": "10",
        "promotions": "-10.500000001",
    } | dict.fromkeys(("held", "revenue", "loss", "provider_cost", "provider_payable", "clearing"), "0")
    assert "sum of its entries" in shell.run("audit")


@pytest.mark.parametrize("amount", ["-1", "NaN", "Infinity", "1e30", "0.0000000001", "ten"])
def test_what_is_no_amount_of_money_makes_no_user(shell: Shell, amount: str) -> None:
    shell.run("users", "create", "ann@example.com", f"--credits={amount}", code=2)
    assert shell.run("users", "list") == ""


def test_an_audit_names_the_first_difference(shell: Shell, tmp_path: Path) -> None:
    shell.run("users", "create", "ann@example.com", "--credits", "10")
    with closing(sqlite3.connect(tmp_path / "var" / "test.db")) as tampered, tampered:
        tampered.execute("UPDATE ledger_wallets SET purchased = purchased + 5000000000")
    assert "user 1: purchased is 15, the journal says 10" in shell.run("audit", code=1)


def test_a_copy_is_whole_private_and_of_one_moment(shell: Shell, tmp_path: Path) -> None:
    shell.run("users", "create", "ann@example.com", "--credits", "10")
    copy = tmp_path / "copy.db"
    assert "bytes" in shell.run("db", "backup", str(copy))
    shell.run("users", "create", "bob@example.com")
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT email FROM users").fetchall() == [("ann@example.com",)]
    assert copy.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.glob("copy*")] == ["copy.db"]
    assert "exists already" in shell.run("db", "backup", str(copy), code=1)


def test_there_is_nothing_to_copy_without_a_database(shell: Shell, tmp_path: Path) -> None:
    assert "no database" in shell.run("db", "backup", str(tmp_path / "copy.db"), code=1)


def test_a_copy_that_cannot_be_written_is_told_and_leaves_nothing(shell: Shell, tmp_path: Path) -> None:
    shell.run("users", "create", "ann@example.com")
    assert "could not be copied" in shell.run("db", "backup", str(tmp_path / "nowhere" / "copy.db"), code=1)
    assert not (tmp_path / "nowhere").exists()


def test_the_schema_goes_back_only_when_told_twice(shell: Shell) -> None:
    shell.run("db", "upgrade")
    assert "--yes" in shell.run("db", "downgrade", "base", code=2)
    assert "cannot go back" in shell.run("db", "downgrade", "nowhere", "--yes", code=1)
    assert "0001 now" in shell.run("db", "downgrade", "0001", "--yes")
    assert shell.json("db", "downgrade", "base", "--yes") == {"before": "0001", "now": None}
    assert "was empty" in shell.run("db", "upgrade")
