"""Builds catalogs from everything that is known: settings, the shipped snapshot, providers' own lists."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.build import Skipped, build_catalog
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.identity import Identifier
from gatewayz.domain.catalog.known import NOTHING_KNOWN, SNAPSHOT_NAME, Known, Snapshot, read_snapshot
from gatewayz.domain.catalog_sync.judge import Judge
from gatewayz.domain.catalog_sync.merge import laid_over, own_ids
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.store.catalog_records import ListedModel

__all__ = ["CatalogSource", "ListingReader", "find_snapshot"]


def find_snapshot(settings: Settings, config_dir: Path) -> Snapshot | None:
    """Return the snapshot in a folder of data files; None without one, or where the settings want none.

    Raises ConfigurationError when it cannot be read.
    """
    path = config_dir / SNAPSHOT_NAME
    return read_snapshot(path) if settings.catalog_snapshot and path.exists() else None


class ListingReader(Protocol):
    """The store, as far as it is read here. Both methods raise StoreUnavailable."""

    async def revision(self) -> int:
        """Return a number that grows with every change of a listing."""
        ...

    async def listings(self) -> tuple[int, Sequence[ListedModel]]:
        """Return the revision and every listing."""
        ...


class CatalogSource:
    """What a process knows of models."""

    def __init__(self, store: ListingReader, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._revision: int | None = None
        self._listed: Sequence[ListedModel] = ()
        self._snapshot: Snapshot | None = None
        self.built_at: datetime | None = None
        """When the catalog in use was built."""

    @property
    def listed(self) -> Sequence[ListedModel]:
        """What providers list, as last read."""
        return self._listed

    @property
    def shipped_models(self) -> int:
        """How many models the shipped catalog knows."""
        return 0 if self._snapshot is None else len(self._snapshot.models)

    async def catch_up(self) -> bool:
        """Read the listings if they have changed; return whether they had. Raises StoreUnavailable."""
        if self._revision is not None and await self._store.revision() == self._revision:
            return False
        self._revision, self._listed = await self._store.listings()
        return True

    async def build(
        self,
        settings: Settings,
        config_dir: Path,
        capabilities: Mapping[str, Capabilities],
        skipped: list[Skipped] | None = None,
    ) -> Catalog:
        """Return the catalog, built beside the event loop. Raises ConfigurationError."""
        self._snapshot = await asyncio.to_thread(find_snapshot, settings, config_dir)
        known = await asyncio.to_thread(self._known, capabilities)
        catalog = await asyncio.to_thread(build_catalog, settings, capabilities, known=known, skipped=skipped)
        self.built_at = self._clock.now()
        return catalog

    def judge(self, provider: str, settings: Settings, capabilities: Capabilities) -> Judge:
        """Return who judges a provider's list. Takes milliseconds: not for the event loop."""
        snapshot = self._snapshot
        shipped = NOTHING_KNOWN if snapshot is None else snapshot.known([provider])
        own = own_ids(shipped.offers, provider)
        priced = set(own.values())
        for model, entry in settings.models.items():
            offer = entry.offers.get(provider)
            if offer is not None and (offer.price or entry.price):
                priced.add(model)
                own[(offer.id or capabilities.model_ids.upstream_id(model)).lower()] = model
        makers, families = ({}, {}) if snapshot is None else (snapshot.makers, snapshot.families)
        strip = capabilities.model_ids.strip
        return Judge(
            provider,
            Identifier(makers, families, {**shipped.models, **settings.models}),
            own=own,
            priced=frozenset(priced),
            models=shipped.models,
            aliases={name.lower(): target for name, target in settings.aliases.items()},
            maker=strip[0].rstrip("/") if strip else provider,
        )

    def _known(self, capabilities: Mapping[str, Capabilities]) -> Known:
        shipped = NOTHING_KNOWN if self._snapshot is None else self._snapshot.known(capabilities)
        return laid_over(shipped, self._listed, capabilities) if self._listed else shipped
