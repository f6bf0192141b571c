"""Imagen's format on Vertex AI; pure functions.

Source: cloud.google.com/vertex-ai/generative-ai/docs/model-reference/imagen-api, 2026-11.
"""

import re
from typing import Any, Final

import msgspec

from gatewayz.sdk.errors import ContentFiltered, UnsupportedFeature, UpstreamBroken
from gatewayz.sdk.images import GeneratedImage, ImageCall, Images
from gatewayz.sdk.usage import Usage

__all__ = ["parse_images", "render_image_call"]

MAX_IMAGES: Final = 4
_SIZE: Final = re.compile(r"([1-9][0-9]{1,3})x([1-9][0-9]{1,3})")
_RATIOS: Final = {"1:1": 1.0, "3:4": 3 / 4, "4:3": 4 / 3, "9:16": 9 / 16, "16:9": 16 / 9}
_NEAR: Final = 0.03
"""How far a size may be from a ratio: 1024x1792, as OpenAI has it, is not quite 9:16."""
_PARAMETERS: Final = frozenset(
    {
        "addWatermark",
        "enhancePrompt",
        "language",
        "negativePrompt",
        "outputOptions",
        "personGeneration",
        "safetySetting",
        "seed",
    }
)


class _Prediction(msgspec.Struct, frozen=True):
    bytes_base64_encoded: str | None = msgspec.field(default=None, name="bytesBase64Encoded")
    mime_type: str | None = msgspec.field(default=None, name="mimeType")
    prompt: str | None = None
    rai_filtered_reason: str | None = msgspec.field(default=None, name="raiFilteredReason")


class _Answer(msgspec.Struct, frozen=True):
    predictions: list[_Prediction] = []


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def render_image_call(call: ImageCall) -> bytes:
    """Return the request body.

    Raises UnsupportedFeature for a number, a shape, a style or a member that Imagen does not have.
    """
    if call.n > MAX_IMAGES:
        raise UnsupportedFeature(f"Imagen makes at most {MAX_IMAGES} pictures at once", param="n")
    if call.style is not None:
        raise UnsupportedFeature("Imagen has no styles", param="style")
    extra = dict(call.extra or {})
    for name in extra.keys() - _PARAMETERS:
        raise UnsupportedFeature(f"Imagen has no parameter {name[:80]!r}", param=name[:80])
    parameters: dict[str, Any] = {
        **extra,
        "sampleCount": call.n,
        "includeRaiReason": True,  # else a picture that was filtered is only missing
    }
    if call.size is not None and call.size != "auto":
        parameters["aspectRatio"] = _ratio(call.size)
    return msgspec.json.encode({"instances": [{"prompt": call.prompt}], "parameters": parameters})


def parse_images(body: bytes, call: ImageCall, *, created: int) -> Images:
    """Return the pictures; those that were filtered are left out.

    Raises ContentFiltered when all were, UpstreamBroken when there is none for another reason.
    """
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
        raise UpstreamBroken("the provider's answer is not of its format") from err
    images = tuple(_image(each, call) for each in answer.predictions if each.bytes_base64_encoded)
    if not images:
        if not answer.predictions or any(each.rai_filtered_reason for each in answer.predictions):
            raise ContentFiltered("the provider's content filter refused the pictures", param="prompt")
        raise UpstreamBroken("the provider answered no picture")
    return Images(model=call.model, created=created, images=images, usage=Usage(images=len(images)))


def _ratio(size: str) -> str:
    found = _SIZE.fullmatch(size)
    if found is None:
        raise UnsupportedFeature("a size is WIDTHxHEIGHT in pixels", param="size")
    wanted = int(found[1]) / int(found[2])
    for name, ratio in _RATIOS.items():
        if abs(wanted - ratio) <= _NEAR * ratio:
            return name
    raise UnsupportedFeature(f"Imagen makes pictures of {', '.join(_RATIOS)}", param="size")


def _image(found: _Prediction, call: ImageCall) -> GeneratedImage:
    data, kind = found.bytes_base64_encoded or "", found.mime_type or "image/png"
    if call.response_format == "url":  # there is no address: the picture is one itself
        return GeneratedImage(url=f"data:{kind};base64,{data}", media_type=kind, revised_prompt=found.prompt)
    return GeneratedImage(data=data, media_type=kind, revised_prompt=found.prompt)
