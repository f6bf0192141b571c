"""Model hubs: where open models are published, and what is known of them there.

Source: spec 02 §1 (`huggingface_metrics`), §2 (4.5).
"""

from typing import Literal, Protocol

import msgspec

__all__ = ["HubAuthor", "HubFile", "HubListing", "HubModel", "HubQuery", "ModelHub", "Sort"]

Sort = Literal["downloads", "likes", "trending"]


class HubQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which models of a hub; everything that is given must fit."""

    text: str = ""
    """Part of the id, without case."""
    author: str | None = None
    task: str | None = None
    """The hub's word for what a model does: `text-generation`."""
    sort: Sort = "downloads"
    """Highest first."""
    limit: int = 20
    offset: int = 0


class HubAuthor(msgspec.Struct, frozen=True, kw_only=True):
    """Who publishes; None is unknown."""

    name: str
    fullname: str | None = None
    avatar_url: str | None = None
    follower_count: int | None = None


class HubModel(msgspec.Struct, frozen=True, kw_only=True):
    """One model as its hub has it; None is unknown, never zero."""

    id: str
    """`author/name`, in the hub's own letters."""
    author: str
    downloads: int | None = None
    """In the last 30 days."""
    likes: int | None = None
    pipeline_tag: str | None = None
    library: str | None = None
    parameters: int | None = None
    license: str | None = None
    gated: bool | None = None
    """Whether its files are given out only to those who agree to terms."""
    private: bool | None = None
    created_at: str | None = None
    """ISO 8601, as the next one."""
    last_modified: str | None = None
    tags: tuple[str, ...] = ()
    author_data: HubAuthor | None = None
    """In details only, as the next one."""
    inference_providers: tuple[str, ...] = ()
    """Who serves it by way of the hub."""


class HubListing(msgspec.Struct, frozen=True, kw_only=True):
    """One page."""

    models: tuple[HubModel, ...]
    has_more: bool = False


class HubFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of a model."""

    name: str
    size: int | None = None
    """Bytes."""
    blob_id: str | None = None
    sha256: str | None = None
    """Of large files."""


class ModelHub(Protocol):
    """Reads a hub. Raises UpstreamError when it cannot be asked; never invents a figure."""

    @property
    def source(self) -> str:
        """What answers name as their source: `huggingface-hub`."""
        ...

    @property
    def note(self) -> str | None:
        """What a reader should know of every answer, such as its age."""
        ...

    async def search(self, query: HubQuery) -> HubListing:
        """Return a page of models."""
        ...

    async def details(self, model_id: str) -> HubModel:
        """Return one model; its id is compared as the hub does. Raises ModelNotFound."""
        ...

    async def card(self, model_id: str) -> str:
        """Return the model's card as Markdown. Raises ModelNotFound when there is no model or no card."""
        ...

    async def files(self, model_id: str) -> tuple[HubFile, ...] | None:
        """Return the model's files, None when they are not known. Raises ModelNotFound."""
        ...

    async def author(self, name: str) -> HubAuthor | None:
        """Return who publishes under a name, None for nobody."""
        ...
