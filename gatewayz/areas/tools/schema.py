"""What the tools' routes take. Source: spec 08 §3."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

__all__ = ["AugmentBody", "ExecuteBody"]


class ExecuteBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/tools/execute`."""

    name: Annotated[str, Meta(min_length=1, max_length=64)]
    parameters: dict[str, Any] = {}


class AugmentBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/tools/search/augment`."""

    query: Annotated[str, Meta(min_length=1, max_length=400, pattern=r"\S")]
    max_results: Annotated[int, Meta(ge=1, le=10)] = 5
    include_answer: bool = True
