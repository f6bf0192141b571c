"""This gateway as a target: a configuration folder, a user, a key."""

import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.kit.places import PROJECT, filled
from benchmarks.kit.processes import clean_environment
from benchmarks.kit.tools import Unavailable

__all__ = ["PreparedGateway", "cli", "count_usage_rows", "prepare_gateway"]

_ONE_PROVIDER: Final = "providers.openai_compatible, routers.*, billing.*"
_ALL_PROVIDERS: Final = "providers.*, routers.*, billing.*"
_CLI_TIMEOUT_S: Final = 60.0


class PreparedGateway(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway that can be started."""

    command: tuple[str, ...]
    api_key: str
    database: Path


class _CreatedUser(msgspec.Struct, frozen=True):
    """What `users create --json` prints, as far as it is used here."""

    api_key: str


def prepare_gateway(
    folder: Path,
    *,
    port: int,
    mock_port: int,
    is_metered: bool = True,
    is_prepaid: bool = False,
    is_limited: bool = False,
    has_shipped_config: bool = False,
    environment: Mapping[str, str] | None = None,
) -> PreparedGateway:
    """Write a configuration into the folder and create a user with a key. Raises Unavailable.

    :param is_metered: keep the usage log.
    :param is_prepaid: hold and charge prepaid credit on the ledger.
    :param is_limited: limit the key by a dozen bounds.
    :param has_shipped_config: lay it over the project's own `config/` with all its providers and models.
    """
    config = folder / "gatewayz.yaml"
    values = {
        "FOLDER": str(folder),
        "PORT": str(port),
        "MOCK_PORT": str(mock_port),
        "PLUGINS": _ALL_PROVIDERS if has_shipped_config else _ONE_PROVIDER,
        # The local model is a process of its own, and the promise on start-up is without it.
        "OTHERS": "local: {enabled: false}" if has_shipped_config else "",
        "METERED": "true" if is_metered else "false",
        "BILLING": "credits" if is_prepaid else "unmetered",
        "LIMITED": "true" if is_limited else "false",
    }
    config.write_text(filled("gatewayz.yaml", values))
    (folder / "var").mkdir(exist_ok=True)
    if has_shipped_config:
        shutil.copytree(PROJECT / "config", folder / "config", dirs_exist_ok=True)
    else:
        (folder / "config").mkdir(exist_ok=True)  # without one, the gateway takes the one it comes with
    created = cli(
        *("users", "create", "bench@example.com", "--credits", "1000000"),
        *("--config", str(config), "--json"),
        environment=environment,
    )
    return PreparedGateway(
        command=(str(_script()), "serve", "--config", str(config)),
        api_key=msgspec.json.decode(created, type=_CreatedUser).api_key,
        database=folder / "var" / "gatewayz.db",
    )


def cli(*arguments: str, environment: Mapping[str, str] | None = None) -> bytes:
    """Run a command of the gateway and return what it prints. Raises Unavailable."""
    done = subprocess.run(
        [str(_script()), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=clean_environment(environment),
        timeout=_CLI_TIMEOUT_S,
        check=False,
    )
    if done.returncode != 0:
        end = (done.stderr + done.stdout).decode(errors="replace").strip()[-400:]
        raise Unavailable(f"gatewayz {' '.join(arguments[:2])} ended with {done.returncode}: {end}")
    return done.stdout


def count_usage_rows(database: Path) -> int:
    """Return the rows of the usage log of a gateway that was stopped."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        count: int = connection.execute("select count(*) from usage_log").fetchone()[0]
    return count


def _script() -> Path:
    """Return the gateway's command, from the same environment as this process."""
    script = Path(sys.executable).with_name("gatewayz")
    if not script.exists():
        raise Unavailable(f"the gateway is not installed beside {sys.executable}")
    return script
