from typing import Any

import pytest

from gatewayz.loader.hub_fence import FencedHub
from gatewayz.sdk.errors import ModelNotFound, UpstreamBroken, UpstreamUnreachable
from gatewayz.sdk.hub import HubAuthor, HubFile, HubListing, HubModel, HubQuery

ANSWERS: dict[str, list[Any]] = {
    "search": [HubListing(models=())],
    "details": [HubModel(id="a/b", author="a")],
    "card": ["# b"],
    "files": [(HubFile(name="x"),), None],
    "author": [HubAuthor(name="a"), None],
}


class Fake:
    """A hub that does what it is told."""

    source, note = "fake", None

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    async def _act(self, _: Any) -> Any:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer

    search = details = card = files = author = _act


async def ask(method: str, answer: Any) -> Any:
    return await getattr(FencedHub(Fake(answer)), method)(HubQuery() if method == "search" else "a/b")


@pytest.mark.parametrize("method", ANSWERS)
async def test_good_answers_and_known_errors_pass(method: str) -> None:
    for answer in ANSWERS[method]:
        assert await ask(method, answer) == answer
    for error in (ModelNotFound("no"), UpstreamUnreachable("gone")):
        with pytest.raises(type(error)):
            await ask(method, error)


@pytest.mark.parametrize("method", ANSWERS)
@pytest.mark.parametrize("junk", [KeyError("x"), SystemExit(1), 7, {"models": []}])
async def test_a_broken_plugin_is_a_hub_that_cannot_be_asked(method: str, junk: Any) -> None:
    with pytest.raises(UpstreamBroken):
        await ask(method, junk)
