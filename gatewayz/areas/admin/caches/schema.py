"""What the cache routes take. Source: spec 07 §5."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["ClearQuery"]


class ClearQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /admin/cache/clear`."""

    gateway: Annotated[str, Meta(max_length=64)] | None = None
