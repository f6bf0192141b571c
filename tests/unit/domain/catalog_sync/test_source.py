"""Catalogs from settings, the shipped snapshot and lists."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from gatewayz.config.settings import Settings
from gatewayz.domain.catalog_sync.source import CatalogSource
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.model_ids import ModelIds
from gatewayz.sdk.offers import ModelListing, Price
from gatewayz.store.catalog_records import Listed, ListedModel
from tests.fakes.catalog import configured, settings_of
from tests.fakes.clock import FakeClock

PRICE = {"input": 5, "output": 6}


class Listings:
    """A store that counts how often it is read."""

    def __init__(self) -> None:
        self.number = 0
        self.rows: list[ListedModel] = []
        self.reads = 0

    async def revision(self) -> int:
        return self.number

    async def listings(self) -> tuple[int, Sequence[ListedModel]]:
        self.reads += 1
        return self.number, tuple(self.rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    offers = {"p": [{"model": "v/m", "id": "m", "price": PRICE}]}
    file = {"date": "2026-11-24", "models": {"v/m": {"median": 5}}, "offers": offers, "left_out": {}}
    file |= {"makers": {}, "families": {"fam": "v"}}
    (tmp_path / "catalog.json.gz").write_bytes(gzip.compress(json.dumps(file).encode()))
    return tmp_path


async def test_listings_are_read_when_they_have_changed(folder: Path) -> None:
    store = Listings()
    source = CatalogSource(store, FakeClock())
    assert await source.catch_up() and not await source.catch_up() and store.reads == 1
    store.rows = [
        ListedModel(provider="p", native="n", model="v/n", state="priced", facts=Listed(price=Price(input=1, output=1)))
    ]
    assert not await source.catch_up(), "as long as the revision stands"
    store.number = 1
    assert await source.catch_up() and store.reads == 2
    catalog = await source.build(settings_of({}), folder, configured("p"))
    assert [model.id for model in catalog.models()] == ["v/m", "v/n"]
    assert source.built_at is not None and source.shipped_models == 1


async def test_without_the_shipped_catalog_only_settings_count(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    source = CatalogSource(Listings(), FakeClock())
    own = settings_of({"v/own": {"p": "own"}})
    assert len((await source.build(own, folder, configured("p"))).models()) == 2
    elsewhere = tmp_path_factory.mktemp("other")
    assert [model.id for model in (await source.build(own, elsewhere, configured("p"))).models()] == ["v/own"]
    none = settings_of({"v/own": {"p": "own"}}, catalog_snapshot=False)
    assert [model.id for model in (await source.build(none, folder, configured("p"))).models()] == ["v/own"]


async def test_a_broken_snapshot_is_named(folder: Path) -> None:
    for content in (b"", b"junk", gzip.compress(b"{}"), gzip.compress(b"[")[:-4]):
        (folder / "catalog.json.gz").write_bytes(content)
        with pytest.raises(ConfigurationError, match=r"catalog\.json\.gz cannot be read"):
            await CatalogSource(Listings(), FakeClock()).build(Settings(), folder, {})


async def test_who_judges_knows_the_providers_offers_and_its_spelling(folder: Path) -> None:
    source = CatalogSource(Listings(), FakeClock())
    settings = settings_of({"w/hand": {"p": "by-hand"}})
    capabilities = Capabilities(model_ids=ModelIds(strip=("lab/",)))
    await source.build(settings, folder, {"p": capabilities})
    judge = source.judge("p", settings, capabilities)
    found = judge.judge(ModelListing(id=name) for name in ("M", "BY-HAND", "fam-1", "lone"))
    assert [(row.model, row.state) for row in found] == [
        ("v/m", "confirmed"),
        ("w/hand", "confirmed"),
        ("v/fam-1", "unpriced"),
        ("lab/lone", "unpriced"),
    ]
