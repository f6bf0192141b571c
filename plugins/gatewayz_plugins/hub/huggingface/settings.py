"""Where the hub is, and how long its answers are kept."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import split_url

__all__ = ["HuggingFaceSettings"]

Seconds = Annotated[float, Meta(gt=0)]


class HuggingFaceSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instance."""

    base_url: str = "https://huggingface.co"
    """Address of the hub or a mirror (`${HF_ENDPOINT:-https://huggingface.co}`)."""
    token: Secret | None = None
    """Sent to `base_url` only; without one the hub shows what everybody may see, and answers fewer calls."""
    timeout_s: Seconds = 10.0
    """For one answer."""
    fresh_s: Seconds = 900.0
    """How long an answer is used without asking again."""
    stale_s: Seconds = 86_400.0
    """How old an answer may be that is used because the hub cannot be reached."""
    pause_s: Seconds = 15.0
    """How long the hub is left alone after it could not be reached."""
    max_cache_bytes: Annotated[int, Meta(ge=1)] = 32 * 1024 * 1024

    def __post_init__(self) -> None:
        """Raise ValueError when `base_url` is no address."""
        split_url(self.base_url)
