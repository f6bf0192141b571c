import pytest

from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.hub import hub as module
from gatewayz.domain.hub.hub import Hub, HubNotConfigured, hub_ids
from gatewayz.sdk.errors import ModelNotFound, UpstreamUnreachable
from gatewayz.sdk.hub import HubAuthor, HubModel
from gatewayz.sdk.offers import Offer


def model(*upstream: str) -> Model:
    offers = tuple(Offer(model="acme/tuned", provider=f"p{n}", upstream_model=name) for n, name in enumerate(upstream))
    return Model(id="acme/tuned", name="Tuned", offers=offers)


class Fake:
    """A hub that knows one model, or fails."""

    source, note = "fake", None

    def __init__(self, known: str = "", error: Exception | None = None) -> None:
        self.known, self.error, self.asked = known, error, list[str]()

    async def details(self, model_id: str) -> HubModel:
        self.asked.append(model_id)
        if self.error is not None:
            raise self.error
        if model_id != self.known:
            raise ModelNotFound("no")
        return HubModel(id=model_id, author="Acme", downloads=7, author_data=HubAuthor(name="Acme", follower_count=3))


def of(fake: Fake | None) -> Hub:
    return Hub(lambda: fake)  # type: ignore[arg-type,return-value]  # as much of a hub as is asked


def test_a_hub_is_asked_for_the_ids_of_providers_first() -> None:
    assert hub_ids(model("tuned", "Acme/Tuned-8B:groq", "acme/tuned", "Acme/Tuned-8B")) == (
        "Acme/Tuned-8B",
        "acme/tuned",
    )
    assert hub_ids(model("accounts/x/models/Tuned")) == ("acme/tuned",)
    assert len(hub_ids(model(*(f"Acme/T{number}" for number in range(9))))) == 3


async def test_figures_are_found_by_any_id_and_unknown_ones_are_null() -> None:
    fake = Fake("acme/tuned")
    found = await of(fake).metrics(model("Acme/Tuned-8B"))
    assert fake.asked == ["Acme/Tuned-8B", "acme/tuned"]
    assert found is not None
    assert (found["downloads"], found["likes"], found["author_data"]["follower_count"]) == (7, None, 3)
    assert set(found) >= {"pipeline_tag", "num_parameters", "gated", "private", "last_modified", "author"}
    assert await of(Fake("other/model")).metrics(model()) is None


async def test_figures_never_fail() -> None:
    assert await of(None).metrics(model()) is None
    assert await of(Fake(error=UpstreamUnreachable("gone"))).metrics(model()) is None


async def test_figures_are_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    class Hanging(Fake):
        async def details(self, model_id: str) -> HubModel:
            await asyncio.Event().wait()
            raise AssertionError

    monkeypatch.setattr(module, "METRICS_WAIT_S", 0.01)
    assert await of(Hanging()).metrics(model()) is None


def test_no_hub_is_said() -> None:
    with pytest.raises(HubNotConfigured):
        _ = of(None).current
