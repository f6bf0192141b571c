"""What can be compared, and how each is started."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from benchmarks.kit.gatewayz import prepare_gateway
from benchmarks.kit.places import CHAT_PATH, filled
from benchmarks.kit.tools import litellm_command, nginx_command, portkey_command

__all__ = ["TARGETS", "Target", "Workplace"]

_PEER_KEY: Final = "sk-gwbench-0a9f83b1c27d4e65b8f1"


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """Where a target is set up for one round."""

    home: Path
    """Tools and peers, kept between runs."""
    folder: Path
    """Empty, and gone after the round."""
    mock_port: int
    port: int
    """A free one, for the target."""
    may_install: bool = True


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Something that answers chat completions on a port."""

    port: int
    command: tuple[str, ...] = ()
    """Empty: runs already."""
    environment: dict[str, str] = {}
    headers: dict[str, str] = {}
    path: str = CHAT_PATH
    start_timeout_s: float = 90.0
    database: Path | None = None
    """SQLite file whose usage log should have a row for every request."""


def direct(place: Workplace) -> Target:
    """Return the mock itself: the floor of every latency."""
    return Target(port=place.mock_port)


def nginx(place: Workplace) -> Target:
    """Return nginx as a reverse proxy without buffering: about the least that a proxy costs."""
    command = nginx_command(place.home, may_install=place.may_install)
    file = _written(place, "nginx.conf")
    return Target(port=place.port, command=(command, "-e", str(place.folder / "error.log"), "-c", str(file)))


def litellm(place: Workplace) -> Target:
    """Return LiteLLM's proxy with a master key and no database."""
    command = litellm_command(place.home, may_install=place.may_install)
    config = str(_written(place, "litellm.yaml"))
    return Target(
        port=place.port,
        command=(command, "--config", config, "--host", "127.0.0.1", "--port", str(place.port), "--num_workers", "1"),
        environment={"LITELLM_LOG": "ERROR", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
        headers={"authorization": f"Bearer {_PEER_KEY}"},
    )


def portkey(place: Workplace) -> Target:
    """Return Portkey's gateway: no accounts, no records, the upstream named in headers."""
    return Target(
        port=place.port,
        command=(*portkey_command(place.home, may_install=place.may_install), f"--port={place.port}", "--headless"),
        environment={"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1,localhost"},
        headers={
            "authorization": "Bearer sk-upstream",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{place.mock_port}/v1",
        },
    )


def gatewayz(place: Workplace) -> Target:
    """Return this gateway: SQLite, a user and a key of its own, every call priced and logged."""
    return _gateway(place)


def gatewayz_prepaid(place: Workplace) -> Target:
    """Return this gateway as it ships: also prepaid credit on the ledger, and limits."""
    return _gateway(place, is_prepaid=True, is_limited=True)


def gatewayz_ledger(place: Workplace) -> Target:
    """Return this gateway with prepaid credit on the ledger, and no limits: what metering alone costs."""
    return _gateway(place, is_prepaid=True, is_limited=False)


def gatewayz_unmetered(place: Workplace) -> Target:
    """Return this gateway without its usage log."""
    return _gateway(place, is_metered=False)


def _written(place: Workplace, name: str) -> Path:
    values = {"FOLDER": str(place.folder), "PORT": str(place.port), "MOCK_PORT": str(place.mock_port)}
    file = place.folder / name
    file.write_text(filled(name, values))
    return file


def _gateway(
    place: Workplace, *, is_metered: bool = True, is_prepaid: bool = False, is_limited: bool = False
) -> Target:
    prepared = prepare_gateway(
        place.folder,
        port=place.port,
        mock_port=place.mock_port,
        is_metered=is_metered,
        is_prepaid=is_prepaid,
        is_limited=is_limited,
    )
    return Target(
        port=place.port,
        command=prepared.command,
        headers={"authorization": f"Bearer {prepared.api_key}"},
        database=prepared.database if is_metered else None,
    )


TARGETS: Final[dict[str, Callable[[Workplace], Target]]] = {
    "direct": direct,
    "nginx": nginx,
    "litellm": litellm,
    "portkey": portkey,
    "gatewayz": gatewayz,
    "gatewayz-ledger": gatewayz_ledger,
    "gatewayz-prepaid": gatewayz_prepaid,
    "gatewayz-unmetered": gatewayz_unmetered,
}
