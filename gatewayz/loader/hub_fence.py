"""The fence round a model hub: it answers, has not got it (404), or cannot be asked (UpstreamError)."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from gatewayz.loader.faults import FOREIGN, Faults
from gatewayz.sdk.errors import ModelNotFound, UpstreamBroken, UpstreamError
from gatewayz.sdk.hub import HubAuthor, HubFile, HubListing, HubModel, HubQuery, ModelHub

__all__ = ["FencedHub"]

T = TypeVar("T")


class FencedHub:
    """A hub that raises ModelNotFound or UpstreamError classes and nothing else."""

    def __init__(self, inner: ModelHub) -> None:
        self.inner = inner
        self._faults = Faults("model hub")

    @property
    def source(self) -> str:
        """As `ModelHub.source`."""
        return str(self.inner.source)

    @property
    def note(self) -> str | None:
        """As `ModelHub.note`."""
        return self.inner.note

    async def search(self, query: HubQuery) -> HubListing:
        """As `ModelHub.search`."""
        return await self._ask(self.inner.search, query, HubListing)

    async def details(self, model_id: str) -> HubModel:
        """As `ModelHub.details`."""
        return await self._ask(self.inner.details, model_id, HubModel)

    async def card(self, model_id: str) -> str:
        """As `ModelHub.card`."""
        return await self._ask(self.inner.card, model_id, str)

    async def files(self, model_id: str) -> tuple[HubFile, ...] | None:
        """As `ModelHub.files`."""
        return await self._ask(self.inner.files, model_id, tuple, type(None))

    async def author(self, name: str) -> HubAuthor | None:
        """As `ModelHub.author`."""
        return await self._ask(self.inner.author, name, HubAuthor, type(None))

    async def _ask(self, method: Callable[[Any], Awaitable[T]], asked: object, *kinds: type) -> T:
        try:
            answer = await method(asked)
            if not isinstance(answer, kinds):
                raise TypeError(f"gave a {type(answer).__name__}")
        except (ModelNotFound, UpstreamError):
            raise
        except FOREIGN as err:  # a broken hub must not fail as the gateway
            self._faults.log(err, getattr(method, "__name__", "a call"))
            raise UpstreamBroken("the model hub's plugin failed") from err
        return answer
