import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from gatewayz.config.sections.providers import Upstream
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ModelNotFound, UpstreamBroken, UpstreamError, UpstreamRateLimited, UpstreamUnreachable
from gatewayz.sdk.hub import HubQuery
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.testing import SettingsContract
from gatewayz.upstream.client import make_client
from gatewayz_plugins.hub.huggingface.hub import HuggingFaceHub
from gatewayz_plugins.hub.huggingface.settings import HuggingFaceSettings
from tests.fakes.clock import FakeClock
from tests.fakes.hub_server import CARD, HubServer, hub_server

TUNED = "acme/Llama-Tuned-8B"


class TestSettings(SettingsContract):
    module = "gatewayz_plugins.hub.huggingface"
    settings = HuggingFaceSettings
    sample = {"base_url": "{base_url}", "token": "{secret}"}


@pytest.fixture(scope="module")
def served() -> Iterator[HubServer]:
    with hub_server() as server:
        yield server


@pytest.fixture
def server(served: HubServer) -> HubServer:
    served.status, served.card = 200, CARD
    served.seen.clear()
    served.tokens.clear()
    return served


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


class Hub(HuggingFaceHub):
    """With its client, to be closed."""

    def __init__(self, url: str, clock: FakeClock, **settings: Any) -> None:
        self.client = make_client(Upstream())
        context = PluginContext(
            instance="hub",
            http=self.client,
            clock=clock,
            logger=logging.getLogger("test"),
            data_dir=Path("/nonexistent"),
        )
        super().__init__(HuggingFaceSettings(base_url=url, **settings), context)


@pytest.fixture
async def hub(server: HubServer, clock: FakeClock) -> AsyncIterator[Hub]:
    made = Hub(server.url, clock, token=Secret("hf_secret"))
    yield made
    await made.aclose()
    await made.client.aclose()


async def test_search_asks_for_what_it_is_asked(hub: Hub, server: HubServer) -> None:
    by_downloads = await hub.search(HubQuery(text="LLAMA", limit=2))
    assert [model.id for model in by_downloads.models] == ["acme/llama-small", TUNED]
    assert by_downloads.has_more
    rest = await hub.search(HubQuery(text="LLAMA", limit=2, offset=2))
    assert [model.id for model in rest.models] == ["other/llama-vision"]
    assert not rest.has_more
    by_likes = await hub.search(HubQuery(sort="likes", task="text-generation", author="acme"))
    assert [model.likes for model in by_likes.models] == [50, 5]
    assert set(server.tokens) == {"Bearer hf_secret"}


async def test_details_come_with_their_author(hub: Hub) -> None:
    model = await hub.details(TUNED)
    assert (model.downloads, model.likes, model.parameters) == (9000, 50, 8030261248)
    assert (model.license, model.gated, model.private) == ("llama3.1", True, False)
    assert model.inference_providers == ("groq", "together")
    assert model.author_data is not None
    assert (model.author_data.fullname, model.author_data.follower_count) == ("Acme Inc.", 12)
    assert (await hub.details("acme/llama-small")).parameters is None
    person = await hub.author("other")
    assert person is not None and person.name == "other"
    assert await hub.author("nobody") is None


async def test_card_and_files(hub: Hub) -> None:
    assert await hub.card(TUNED) == CARD
    files = await hub.files(TUNED)
    assert files is not None
    assert [(file.name, file.size, file.blob_id, file.sha256) for file in files] == [
        ("README.md", 40, "b1", None),
        ("model.safetensors", 16060556376, "b2", "ab"),
    ]


async def test_a_renamed_model_is_followed_on_the_same_hub_only(hub: Hub, server: HubServer) -> None:
    assert (await hub.details("old/Llama-Tuned-8B")).id == TUNED
    with pytest.raises(UpstreamBroken):
        await hub.details("evil/model")


@pytest.mark.parametrize("model_id", ["no/such", "../../api/whoami", "a/b/c", "a b", "a/..", "", "x" * 300, "ä/b"])
async def test_what_is_not_there_or_no_id_is_404(hub: Hub, server: HubServer, model_id: str) -> None:
    for asked in (hub.details, hub.card, hub.files):
        with pytest.raises(ModelNotFound):
            await asked(model_id)
    assert all(seen.startswith(("/api/models/no/such", "/no/such/raw/main/README.md")) for seen in server.seen)


async def test_answers_are_kept_and_a_miss_too(hub: Hub, server: HubServer, clock: FakeClock) -> None:
    await asyncio.gather(*(hub.card(TUNED) for _ in range(5)))
    for _ in range(2):
        with pytest.raises(ModelNotFound):
            await hub.card("no/such")
    assert len(server.seen) == 2
    server.card = "new"
    clock.advance(901)
    assert await hub.card(TUNED) == "new"


async def test_a_hub_that_fails_is_covered_by_what_is_known(hub: Hub, server: HubServer, clock: FakeClock) -> None:
    await hub.card(TUNED)
    server.status = 500
    clock.advance(1000)
    assert await hub.card(TUNED) == CARD
    with pytest.raises(UpstreamError):
        await hub.card("acme/llama-small")
    clock.advance(86_400)
    with pytest.raises(UpstreamBroken):
        await hub.card(TUNED)


async def test_a_hub_that_failed_is_left_alone_for_a_while(hub: Hub, server: HubServer, clock: FakeClock) -> None:
    server.status = 429
    with pytest.raises(UpstreamRateLimited):
        await hub.files(TUNED)
    server.status = 200
    with pytest.raises(UpstreamUnreachable):
        await hub.files(TUNED)
    assert len(server.seen) == 1
    clock.advance(15.1)
    assert await hub.files(TUNED)


async def test_what_is_kept_is_bounded(server: HubServer, clock: FakeClock) -> None:
    small = Hub(server.url, clock, max_cache_bytes=600)
    try:
        for _ in range(2):
            await small.card(TUNED)
            await small.card("acme/llama-small")
            await small.card("other/llama-vision")
        assert len(server.seen) == 6
        await small.card("other/llama-vision")
        assert len(server.seen) == 6
    finally:
        await small.client.aclose()


async def test_a_hub_that_is_not_there(clock: FakeClock) -> None:
    gone = Hub("http://127.0.0.1:1", clock)
    try:
        with pytest.raises(UpstreamUnreachable):
            await gone.details(TUNED)
    finally:
        await gone.client.aclose()


async def test_junk_is_a_fault_of_the_hub(hub: Hub, server: HubServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_json", lambda value: (200, {}, b'{"id": 7}'))
    for asked in (hub.details(TUNED), hub.files(TUNED), hub.search(HubQuery())):
        with pytest.raises(UpstreamBroken):
            await asked


async def test_a_caller_that_leaves_takes_nothing_from_the_others(hub: Hub, server: HubServer) -> None:
    first = asyncio.create_task(hub.card(TUNED))
    await asyncio.sleep(0)
    second = asyncio.create_task(hub.card(TUNED))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == CARD
    assert len(server.seen) == 1
