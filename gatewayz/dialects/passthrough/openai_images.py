"""Same-format relaying of OpenAI's pictures: the provider's members, however large, with the gateway's own."""

from typing import Any, Final

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.dialects.openai_usage import error_from_openai
from gatewayz.dialects.passthrough.contract import Members, StreamEditor, WholeReply, decode_members, encode_member
from gatewayz.sdk.errors import UnsupportedFeature, UpstreamBroken
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_IMAGES

__all__ = ["OPENAI_IMAGES_PASSTHROUGH", "ImagesPassthrough"]


class _Picture(msgspec.Struct):
    url: str | None = None
    b64_json: msgspec.Raw = msgspec.Raw()


class _Details(msgspec.Struct):
    cached_tokens: int = 0


class _Counts(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0
    input_tokens_details: _Details | None = None


_PICTURES: Final = msgspec.json.Decoder(list[_Picture])
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_MAX_COUNT: Final = 10**9


class ImagesPassthrough:
    """Edits for pictures."""

    format = OPENAI_IMAGES

    def edit_request(self, fields: Members, *, stream: bool) -> Members:
        """Return the members unchanged."""
        return fields

    def read_whole(self, body: bytes) -> WholeReply:
        """Return the members of an answer; its pictures are counted, and tokens where the provider counts them.

        Raises UpstreamError for an error body in a 200, UpstreamBroken for an answer without pictures.
        """
        members = decode_members(body)
        if "data" not in members:
            raise error_from_openai(body) or UpstreamBroken("the provider's answer has no pictures")
        try:
            pictures = _PICTURES.decode(members["data"])
        except _BROKEN as err:
            raise UpstreamBroken("the provider's answer is not a list of pictures") from err
        made = sum(1 for each in pictures if each.url or _has_text(each.b64_json))
        if not made:
            raise UpstreamBroken("the provider answered no picture")
        return WholeReply(members=members, usage=_usage(members, made))

    def delivered_text(self, body: bytes) -> str:
        """Nothing is written by a picture."""
        return ""

    def render_whole(self, reply: WholeReply, *, request: Members, model: str, gateway_usage: GatewayUsage) -> bytes:
        """Return the answer with the canonical model, the provider and the gateway's usage."""
        members = {
            **reply.members,
            "model": encode_member(model),
            "provider": encode_member(gateway_usage["provider"]),
            "gateway_usage": encode_member(gateway_usage),
        }
        return msgspec.json.encode(members)

    def stream_editor(self, *, model: str, include_usage: bool, max_event_bytes: int) -> StreamEditor:
        """Pictures are not streamed. Raises UnsupportedFeature."""
        raise UnsupportedFeature("pictures are not streamed", param="stream")


OPENAI_IMAGES_PASSTHROUGH: Final = ImagesPassthrough()


def _usage(members: Members, made: int) -> Usage:
    counts = _counts(members.get("usage"))
    read, written = max(0, counts.input_tokens), max(0, counts.output_tokens)
    cached = 0 if counts.input_tokens_details is None else min(max(0, counts.input_tokens_details.cached_tokens), read)
    return Usage(
        input_tokens=min(read - cached, _MAX_COUNT),
        cache_read_tokens=min(cached, _MAX_COUNT),
        output_tokens=min(written, _MAX_COUNT),
        images=made,
        image_size=_text(members.get("size")),
        image_quality=_text(members.get("quality")),
    )


def _counts(raw: msgspec.Raw | None) -> _Counts:
    """Return the provider's token counts; none where it has none, or in a shape that is not OpenAI's."""
    try:
        return _Counts() if raw is None else msgspec.json.decode(raw, type=_Counts)
    except _BROKEN:
        return _Counts()


def _has_text(raw: msgspec.Raw) -> bool:
    """Tell whether a member is more than null or an empty text; megabytes of it are not copied."""
    return memoryview(raw).nbytes > len(b"null")


def _text(raw: msgspec.Raw | None) -> str:
    """Return a member that names something; nothing where it is odd, as the pictures are good all the same."""
    try:
        value: Any = None if raw is None else msgspec.json.decode(raw)
    except _BROKEN:
        return ""
    return value if isinstance(value, str) and len(value) <= 20 else ""
