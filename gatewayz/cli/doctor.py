"""`gatewayz doctor`: is everything there that serving needs?"""

import asyncio
import importlib.metadata
import os
import re
import socket
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final, Literal

import msgspec
import typer
from redis.exceptions import RedisError

from gatewayz.cli.check import find_problems
from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption, config_path
from gatewayz.cli.printing import print_json
from gatewayz.config.env import environment
from gatewayz.config.load import load
from gatewayz.config.sections.serving import Store as StoreSettings
from gatewayz.config.settings import Settings
from gatewayz.sdk.errors import GatewayzError
from gatewayz.store.redis import open_redis
from gatewayz.store.sql import schema

__all__ = ["Finding", "app", "examine"]

DEADLINE_S: Final = 5.0
_PACKAGE: Final = re.compile(r"[A-Za-z0-9._-]+")
_COLOURS: Final = {"ok": typer.colors.GREEN, "note": typer.colors.YELLOW, "fault": typer.colors.RED}

app = typer.Typer()


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was looked at."""

    name: str
    state: Literal["ok", "note", "fault"]
    detail: str


@app.command("doctor")
def doctor(config: ConfigOption = None, env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Look at Python, packages, configuration, database, Redis, port and data folder. Exits with 1 on a fault."""
    findings = examine(config_path(config), env)
    if as_json:
        print_json({"ok": all(found.state != "fault" for found in findings), "findings": findings})
    else:
        for found in findings:
            typer.secho(f"{found.state:<6}", fg=_COLOURS[found.state], nl=False)
            typer.echo(f"{found.name:<14}{found.detail}")
    if any(found.state == "fault" for found in findings):
        raise typer.Exit(1)


def examine(path: Path, env: str | None) -> list[Finding]:
    """Return what was found."""
    findings = [_python(), _packages()]
    checked = find_problems(path, env)
    findings += [
        Finding(name="configuration", state="fault" if problem.severity == "error" else "note", detail=str(problem))
        for problem in checked.problems
    ]
    if not checked.is_ok:
        return findings
    providers = [name.partition(".")[2] for name in checked.on if name.startswith("providers.")]
    findings.append(Finding(name="configuration", state="ok", detail=f"{path}: {checked.served} models served"))
    findings.append(
        Finding(
            name="providers",
            state="ok" if providers else "note",
            detail=", ".join(providers) or "none is on: set a key variable, or install gatewayz[local]",
        )
    )
    settings = load(path, overlay=env, environ=environment()).settings
    return [*findings, *_surroundings(settings)]


def _surroundings(settings: Settings) -> Iterator[Finding]:
    yield _data_dir(Path(settings.data_dir))
    yield _port(settings.server.host, settings.server.port)
    yield _database(settings.store)
    if settings.store.redis_url:
        yield asyncio.run(_reach("redis", lambda: _ping_redis(settings.store.redis_url)))
    else:
        yield Finding(name="redis", state="note", detail="not configured: what processes share stays in memory")


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    is_known = (3, 11) <= sys.version_info[:2] <= (3, 13)
    detail = version if is_known else f"{version}; tested on 3.11 to 3.13"
    return Finding(name="python", state="ok" if is_known else "note", detail=detail)


def _packages() -> Finding:
    try:
        wanted = importlib.metadata.requires("gatewayz") or []
    except importlib.metadata.PackageNotFoundError:
        return Finding(name="packages", state="note", detail="the gateway runs from a folder, it is not installed")
    missing: list[str] = []
    names = [found[0] for each in wanted if ";" not in each and (found := _PACKAGE.match(each))]
    for name in names:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        return Finding(name="packages", state="fault", detail=f"missing: {', '.join(missing)}")
    return Finding(name="packages", state="ok", detail=f"{len(names)} required packages are there")


def _data_dir(folder: Path) -> Finding:
    there = folder
    while not there.exists() and there != there.parent:
        there = there.parent
    if os.access(there, os.W_OK):
        return Finding(name="data folder", state="ok", detail=str(folder))
    return Finding(name="data folder", state="fault", detail=f"{there} cannot be written to")


def _port(host: str, port: int) -> Finding:
    try:
        with socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return Finding(name="port", state="ok", detail=f"{host}:{port} is free")
    except OSError as err:
        detail = f"{host}:{port}: {err.strerror or err}; a gateway that is running already holds it"
        return Finding(name="port", state="note", detail=detail)


def _database(settings: StoreSettings) -> Finding:
    scheme, _, file = settings.url.partition(":///")
    if scheme.startswith("sqlite") and not Path(file.partition("?")[0]).exists():
        return Finding(name="database", state="ok", detail=f"{file} is not there yet: the first start makes it")
    return asyncio.run(_reach("database", lambda: _ping_store(settings)))


async def _reach(name: str, ping: Callable[[], Awaitable[str]]) -> Finding:
    try:
        async with asyncio.timeout(DEADLINE_S):
            return Finding(name=name, state="ok", detail=await ping())
    except TimeoutError:
        return Finding(name=name, state="fault", detail=f"no answer within {DEADLINE_S:g} s")
    except (GatewayzError, RedisError, OSError, ValueError) as err:
        return Finding(name=name, state="fault", detail=str(err))


async def _ping_store(settings: StoreSettings) -> str:
    scheme = settings.url.partition(":")[0]
    found = await schema.current(settings.url)
    if found == schema.HEAD:
        return f"{scheme} answers, its schema is {found}"
    then = "the next start brings it up" if settings.migrate else "run `gatewayz db upgrade`"
    return f"{scheme} answers, its schema is {found or 'empty'}, not {schema.HEAD}: {then}"


async def _ping_redis(url: str) -> str:
    redis = open_redis(url)
    try:
        await redis.ping()
    finally:
        await redis.aclose()
    return "answers"
