"""fal's text-to-image format; pure functions. Source: fal.ai/models/fal-ai/flux/dev/api, 2026-10."""

import re
from typing import Any, Final

import msgspec

from gatewayz.sdk.errors import UnsupportedFeature, UpstreamBroken
from gatewayz.sdk.images import GeneratedImage, ImageCall, Images
from gatewayz.sdk.usage import Usage

__all__ = ["parse_images", "render_image_call"]

_SIZE: Final = re.compile(r"([1-9][0-9]{1,4})x([1-9][0-9]{1,4})")
_DATA_URL: Final = re.compile(r"data:([\w.+-]+/[\w.+-]+);base64,(.*)", re.DOTALL)


class _Image(msgspec.Struct, frozen=True):
    url: str
    content_type: str | None = None


class _Answer(msgspec.Struct, frozen=True):
    images: list[_Image] = []
    image: _Image | None = None
    """Models that make one picture only."""
    prompt: str | None = None


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def render_image_call(call: ImageCall) -> bytes:
    """Return the request body. Raises UnsupportedFeature for a size that is not in pixels."""
    body: dict[str, Any] = {**(call.extra or {}), "prompt": call.prompt, "num_images": call.n}
    if call.size is not None and call.size != "auto":
        found = _SIZE.fullmatch(call.size)
        if found is None:
            raise UnsupportedFeature("a size is WIDTHxHEIGHT in pixels", param="size")
        body["image_size"] = {"width": int(found[1]), "height": int(found[2])}
    if call.response_format == "b64_json":
        body["sync_mode"] = True  # the picture comes back inside the answer, as a data URL
    return msgspec.json.encode(body)


def parse_images(body: bytes, call: ImageCall, *, created: int) -> Images:
    """Return the pictures. Raises UpstreamBroken when there is none."""
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise UpstreamBroken("the provider's answer is not of its format") from err
    found = answer.images or ([answer.image] if answer.image else [])
    if not found:
        raise UpstreamBroken("the provider answered no picture")
    images = tuple(_image(image, answer.prompt) for image in found)
    return Images(model=call.model, created=created, images=images, usage=Usage(images=len(images)))


def _image(image: _Image, prompt: str | None) -> GeneratedImage:
    inline = _DATA_URL.fullmatch(image.url)
    if inline is not None:
        return GeneratedImage(data=inline[2], media_type=inline[1], revised_prompt=prompt)
    return GeneratedImage(url=image.url, media_type=image.content_type, revised_prompt=prompt)
