"""Builds catalogs from everything that is known: settings, the shipped snapshot, providers' own lists."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.build import Skipped, build_catalog
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.known import NOTHING_KNOWN, SNAPSHOT_NAME, Known, Snapshot, read_snapshot
from gatewayz.sdk.interfaces import Capabilities

__all__ = ["CatalogSource", "find_snapshot"]


def find_snapshot(settings: Settings, config_dir: Path) -> Snapshot | None:
    """Return the snapshot in a folder of data files; None without one, or where the settings want none.

    Raises ConfigurationError when it cannot be read.
    """
    path = config_dir / SNAPSHOT_NAME
    return read_snapshot(path) if settings.catalog_snapshot and path.exists() else None


class CatalogSource:
    """What a process knows of models."""

    def __init__(self) -> None:
        self.snapshot: Snapshot | None = None
        """As last read; None where the settings want none."""

    async def build(
        self,
        settings: Settings,
        config_dir: Path,
        capabilities: Mapping[str, Capabilities],
        skipped: list[Skipped] | None = None,
    ) -> Catalog:
        """Return the catalog, built beside the event loop. Raises ConfigurationError."""
        self.snapshot = await asyncio.to_thread(find_snapshot, settings, config_dir)
        known = self._known(capabilities)
        return await asyncio.to_thread(build_catalog, settings, capabilities, known=known, skipped=skipped)

    def _known(self, capabilities: Mapping[str, Capabilities]) -> Known:
        return NOTHING_KNOWN if self.snapshot is None else self.snapshot.known(capabilities)
