"""OpenAI's format of picture making: requests, and answers with addresses or base64.

Source: OpenAI API reference, "Create image" (2026-11); spec 08 §1.
"""

import re
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.dialects.caller import CallHead, GatewayUsage
from gatewayz.dialects.request_decoding import RequestReader, RequestRules, check_model, invalid, take_extensions
from gatewayz.sdk.errors import InvalidRequest, SchemaInvalid
from gatewayz.sdk.images import ImageCall, Images
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_IMAGES, Format

__all__ = [
    "DEFAULT_MODEL",
    "MAX_IMAGES",
    "OPENAI_IMAGES_DIALECT",
    "QUALITIES",
    "RESPONSE_FORMATS",
    "STYLES",
    "OpenAiImages",
]

DEFAULT_MODEL: Final = "stabilityai/sd3.5"
"""What callers who name none have always got (spec 08 §1); an operator without it points `aliases` elsewhere."""
MAX_IMAGES: Final = 10
MAX_PROMPT_CHARACTERS: Final = 32_000
_DEFAULT_SIZE: Final = "1024x1024"
_MAX_PIXELS: Final = 2048 * 2048
_SIZE: Final = re.compile(r"([1-9][0-9]{1,3})x([1-9][0-9]{1,3})")
QUALITIES: Final = ("standard", "hd", "low", "medium", "high", "auto")
STYLES: Final = ("natural", "vivid")
RESPONSE_FORMATS: Final = ("url", "b64_json")
_LEFT_HERE: Final = frozenset({"google_project_id", "google_location", "google_endpoint_id"})
"""Where pictures are made is the operator's to say; never sent on."""


class _Body(msgspec.Struct):
    prompt: str
    model: Annotated[str, Meta(min_length=1)] = DEFAULT_MODEL
    n: Annotated[int, Meta(ge=1, le=MAX_IMAGES)] | None = None
    size: str | None = None
    quality: Literal["standard", "hd", "low", "medium", "high", "auto"] | None = None
    style: Literal["natural", "vivid"] | None = None
    response_format: Literal["url", "b64_json"] | None = None
    user: str | None = None
    stream: bool | None = None
    provider: str | None = None


_RULES: Final = RequestRules(
    bounds={"n": (1, MAX_IMAGES)},
    allowed={"quality": QUALITIES, "style": STYLES, "response_format": RESPONSE_FORMATS},
)
_READER: Final = RequestReader(_Body, _RULES, frozenset(_Body.__struct_fields__))
_KNOWN: Final = frozenset(_Body.__struct_fields__) - {"stream"} | _LEFT_HERE


class OpenAiImages:
    """The format for callers."""

    format: Format = OPENAI_IMAGES

    def read_head(self, body: bytes) -> CallHead:
        """Check types and ranges and return what the gateway needs.

        Raises InvalidRequest with `param`, SchemaInvalid (422) for an empty prompt.
        """
        read, fields = _read(body)
        extensions = take_extensions(fields)
        for name in _LEFT_HERE & fields.keys():
            del fields[name]
        return CallHead(
            model=read.model,
            fields=fields,
            n=read.n or 1,
            provider=read.provider,
            extensions=extensions,
            prompt_characters=len(read.prompt),
            media=Usage(
                images=read.n or 1,
                image_size=read.size or _DEFAULT_SIZE,
                image_quality=read.quality or "standard",
            ),
            affinity=read.user,
        )

    def parse_call(self, body: bytes, *, model: str) -> ImageCall:
        """Return the call in core values. Raises as `read_head`."""
        read, fields = _read(body)
        take_extensions(fields)
        extra = {name: msgspec.json.decode(value) for name, value in fields.items() if name not in _KNOWN}
        extra.pop("stream", None)
        return ImageCall(
            model=model,
            prompt=read.prompt,
            n=read.n or 1,
            size=read.size,
            quality=read.quality,
            style=read.style,
            response_format=read.response_format,
            user=read.user,
            extra=extra or None,
        )

    def render_images(self, images: Images, *, gateway_usage: GatewayUsage) -> bytes:
        """Return a whole answer."""
        data: list[dict[str, str]] = []
        for image in images.images:
            told = {"url": image.url, "b64_json": image.data, "revised_prompt": image.revised_prompt}
            data.append({name: value for name, value in told.items() if value is not None})
        reply = {
            "created": images.created,
            "data": data,
            "model": images.model,
            "provider": gateway_usage["provider"],
            "gateway_usage": gateway_usage,
        }
        return msgspec.json.encode(reply)


OPENAI_IMAGES_DIALECT: Final = OpenAiImages()


def _read(body: bytes) -> tuple[_Body, dict[str, msgspec.Raw]]:
    read, fields = _READER.read(body)
    check_model(read.model)
    if not read.prompt.strip():
        raise SchemaInvalid("prompt: must not be empty.", param="prompt")
    if len(read.prompt) > MAX_PROMPT_CHARACTERS:
        raise invalid(
            f"prompt must have at most {MAX_PROMPT_CHARACTERS} characters", "prompt", max_value=MAX_PROMPT_CHARACTERS
        )
    if read.stream:
        raise InvalidRequest("pictures are answered when they are done, not streamed", param="stream")
    if read.size is not None and read.size != "auto":
        _check_size(read.size)
    return read, fields


def _check_size(size: str) -> None:
    found = _SIZE.fullmatch(size)
    if found is None:
        raise invalid("size must be WIDTHxHEIGHT in pixels, or 'auto'", "size", "INVALID_PARAMETER_TYPE")
    if int(found[1]) * int(found[2]) > _MAX_PIXELS:
        raise invalid("size must have at most as many pixels as 2048x2048", "size", max_value=_MAX_PIXELS)
