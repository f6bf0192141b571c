"""Room on the disk of a folder, of each machine on its own."""

import asyncio
import shutil
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.interfaces import Reading

__all__ = ["DiskCheck", "DiskSettings"]

_MIB: Final = 1024 * 1024
Megabytes = Annotated[int, Meta(ge=0)]


class DiskSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much must be left."""

    path: str | None = None
    """A folder on the disk; without one that of the gateway's own data."""
    low_mb: Megabytes = 1024
    """Less is degraded."""
    full_mb: Megabytes = 128
    """Less is down."""


class DiskCheck:
    """Looks at the disk of the machine it runs on."""

    is_local = True

    def __init__(self, settings: DiskSettings, context: PluginContext) -> None:
        self._settings = settings
        self._path = Path(settings.path) if settings.path else context.data_dir

    async def probe(self) -> Reading:
        """Look once."""
        try:
            usage = await asyncio.to_thread(shutil.disk_usage, _existing(self._path))
        except OSError:
            return Reading(state="down", detail="the disk cannot be read")
        free_mb = usage.free // _MIB
        state: Literal["up", "degraded", "down"] = "up"
        if free_mb < self._settings.low_mb:
            state = "down" if free_mb < self._settings.full_mb else "degraded"
        percent = round(100 * usage.free / usage.total, 1) if usage.total else None
        facts = {"free_mb": free_mb, "total_mb": usage.total // _MIB, "free_percent": percent}
        return Reading(state=state, detail="" if state == "up" else f"{free_mb} MB are left", facts=facts)


def _existing(path: Path) -> Path:
    """Return the folder, or the nearest one above it that is there."""
    return next((each for each in (path, *path.parents) if each.exists()), path)
