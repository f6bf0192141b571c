"""What the model-sync routes take. Source: spec 07 §6."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["ConfirmQuery", "ProviderQuery"]


class ProviderQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /admin/model-sync/provider/{slug}`."""

    dry_run: bool = False
    """Read and judge the list, keep nothing."""


class ConfirmQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Routes that forget something: the route's own last word, typed by whoever means it."""

    confirm: Annotated[str, Meta(max_length=64)] = ""
