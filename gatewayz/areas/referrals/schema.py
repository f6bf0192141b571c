"""What the referral routes take. Source: spec 03 §7."""

from typing import Annotated

import msgspec
from msgspec import Meta

__all__ = ["ValidateBody"]


class ValidateBody(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /referral/validate`."""

    referral_code: Annotated[str, Meta(min_length=1, max_length=64)]
