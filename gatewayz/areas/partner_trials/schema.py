"""What the partner routes take. Source: spec 08 §4."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["StartBody"]


class StartBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /partner-trials/start`."""

    partner_code: Annotated[str, Meta(min_length=1, max_length=32)]
    signup_source: Annotated[str, Meta(max_length=100)] | None = None
