"""Core values of picture making."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gatewayz.sdk.usage import NO_USAGE, Usage

__all__ = ["GeneratedImage", "ImageCall", "Images"]


class ImageCall(msgspec.Struct, frozen=True, kw_only=True):
    """A picture to be made."""

    model: str
    prompt: str
    n: int = 1
    size: str | None = None
    """`WIDTHxHEIGHT` in pixels, as OpenAI writes it."""
    quality: str | None = None
    style: str | None = None
    response_format: Literal["url", "b64_json"] | None = None
    """How the pictures are to come; None is whichever the provider gives."""
    user: str | None = None
    extra: Mapping[str, Any] | None = None
    """Members of the call that the core does not know, for the provider as they are."""


class GeneratedImage(msgspec.Struct, frozen=True, kw_only=True):
    """One picture; exactly one of `url` and `data` (base64) is set."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    revised_prompt: str | None = None


class Images(msgspec.Struct, frozen=True, kw_only=True):
    """The pictures of one call."""

    model: str
    created: int
    """Unix seconds."""
    images: tuple[GeneratedImage, ...]
    usage: Usage = NO_USAGE
