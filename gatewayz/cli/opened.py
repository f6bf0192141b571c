"""What the commands on the database share: settings in, store opened, work done, store closed, errors in words."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import typer

from gatewayz.cli.options import config_path
from gatewayz.config.env import environment
from gatewayz.config.load import load
from gatewayz.config.settings import Settings
from gatewayz.sdk.errors import GatewayzError
from gatewayz.store.open import open_store
from gatewayz.store.sql.store import SqlStore

__all__ = ["read_settings", "reported", "with_store"]

T = TypeVar("T")


def read_settings(config: Path | None, env: str | None) -> Settings:
    """Return the settings of a file. Raises ConfigurationInvalid."""
    return load(config_path(config), overlay=env, environ=environment()).settings


def with_store(
    config: Path | None, env: str | None, work: Callable[[SqlStore, Settings], Awaitable[T]], *, migrate: bool = True
) -> T:
    """Return what `work` returns on the store of the configuration; an error ends the command with exit code 1.

    :param migrate: False leaves the schema as it is, whatever the settings say.
    """

    async def run(settings: Settings) -> T:
        wanted = settings.store if migrate else msgspec.structs.replace(settings.store, migrate=False)
        store = await open_store(wanted)
        try:
            return await work(store, settings)
        finally:
            await store.aclose()

    return reported(lambda: asyncio.run(run(read_settings(config, env))))


def reported(work: Callable[[], T]) -> T:
    """Return what `work` returns; an error of ours is printed and ends the command with exit code 1."""
    try:
        return work()
    except GatewayzError as err:
        print(err.message, file=sys.stderr)
        for suggestion in err.suggestions:
            print(f"  {suggestion}", file=sys.stderr)
        raise typer.Exit(1) from err
