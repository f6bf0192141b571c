"""What the hub's routes take. Source: spec 02 §2 (4.5)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

__all__ = ["AuthorQuery", "DiscoveryQuery", "SearchQuery"]

Task = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[a-z0-9-]+$")]
Offset = Annotated[int, Meta(ge=0, le=500)]
"""A hub gives at most 1,000 models to one question."""


class DiscoveryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/huggingface/discovery`."""

    task: Task | None = None
    sort: Literal["likes", "downloads", "trending"] = "likes"
    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    offset: Offset = 0


class SearchQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/huggingface/search`."""

    q: Annotated[str, Meta(min_length=1, max_length=200)]
    task: Task | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    offset: Offset = 0


class AuthorQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`GET /v1/huggingface/author/{author}/models`."""

    limit: Annotated[int, Meta(ge=1, le=500)] = 50
    offset: Offset = 0
