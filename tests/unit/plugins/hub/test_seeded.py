import json
from pathlib import Path

import pytest

import gatewayz_plugins.hub.seeded as module
from gatewayz.sdk.errors import ModelNotFound
from gatewayz.sdk.hub import HubQuery
from gatewayz.sdk.testing import SettingsContract
from gatewayz_plugins.hub.seeded.hub import SeededHub, SeededSettings
from tests.fakes.plugin_modules import context

LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
DATA = json.loads(Path(module.__file__).with_name("models.json").read_text())


class TestSettings(SettingsContract):
    module = "gatewayz_plugins.hub.seeded"
    settings = SeededSettings
    sample = {}


@pytest.fixture
async def hub() -> SeededHub:
    made = SeededHub(SeededSettings(), context("hub", "hub"))
    await made.provision()
    return made


async def test_every_recorded_model_answers_by_all_its_names(hub: SeededHub) -> None:
    assert len(DATA["models"]) > 100
    for row in DATA["models"]:
        assert (await hub.details(row["id"].upper())).id == row["id"]
        assert row["downloads"] > 0
        assert row.get("likes") is None or row["likes"] > 0
    assert (await hub.details("deepseek/deepseek-r1")).id == "deepseek-ai/DeepSeek-R1"


async def test_figures_are_the_recorded_ones(hub: SeededHub) -> None:
    model = await hub.details(LLAMA)
    assert (model.downloads, model.likes, model.parameters) == (9393633, 5804, 8030261248)
    assert DATA["date"] in (hub.note or "")
    card = await hub.card(LLAMA)
    assert "9,393,633" in card and "5,804" in card and DATA["date"] in card


async def test_files_where_they_are_known(hub: SeededHub) -> None:
    files = await hub.files(LLAMA)
    assert files is not None
    assert sum(file.size or 0 for file in files if file.name.endswith(".safetensors")) == 16060556376
    assert await hub.files("deepseek-ai/DeepSeek-R1") is None


async def test_lists_are_sorted_and_paged(hub: SeededHub) -> None:
    whole = await hub.search(HubQuery(text="llama", limit=100))
    assert all("llama" in model.id.lower() for model in whole.models)
    assert [model.downloads for model in whole.models] == sorted((m.downloads or 0 for m in whole.models), reverse=True)
    page = await hub.search(HubQuery(text="llama", limit=2, offset=1))
    assert page.models == whole.models[1:3] and page.has_more
    likes = [model.likes for model in (await hub.search(HubQuery(sort="likes", limit=100))).models]
    known = [count for count in likes if count is not None]
    assert likes[: len(known)] == sorted(known, reverse=True)
    mine = await hub.search(HubQuery(author="META-LLAMA", task="text-generation"))
    assert mine.models and {model.author for model in mine.models} == {"meta-llama"}


async def test_what_is_not_recorded(hub: SeededHub) -> None:
    for asked in (hub.details, hub.card, hub.files):
        with pytest.raises(ModelNotFound):
            await asked("no/such")
    assert await hub.author("nobody") is None
    author = await hub.author("qwen")
    assert author is not None and author.name == "Qwen" and author.follower_count is None
