"""OpenAI's embeddings format: requests, answers, and vectors in the coding the caller asked for.

Source: OpenAI API reference, "Create embeddings" (2026-11); clients-on-the-wire 6.
"""

import base64
import binascii
import math
import sys
from array import array
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.dialects.caller import CallHead, GatewayUsage
from gatewayz.dialects.openai_usage import error_from_openai, usage_from_openai
from gatewayz.dialects.request_decoding import RequestReader, RequestRules, invalid, missing, take_extensions
from gatewayz.sdk.chat import Embedding, EmbeddingCall, Embeddings
from gatewayz.sdk.errors import UpstreamBroken
from gatewayz.sdk.usage import NO_USAGE, Usage
from gatewayz.sdk.wire import OPENAI_EMBEDDINGS, Format

__all__ = [
    "OPENAI_EMBEDDINGS_DIALECT",
    "EncodingFormat",
    "OpenAiEmbeddings",
    "convert_reply",
    "encoding_format_of",
    "pack_vector",
    "unpack_vector",
]

EncodingFormat = Literal["float", "base64"]
"""How vectors are written: JSON numbers, or base64 of little-endian 32-bit floats."""

MAX_INPUTS: Final = 2048
_KNOWN: Final = frozenset({"model", "input", "encoding_format", "dimensions", "user", "provider"})
_TokenId = Annotated[int, Meta(ge=0)]


class _Body(msgspec.Struct):
    model: Annotated[str, Meta(min_length=1)]
    input: str | list[str | int | list[_TokenId]]
    encoding_format: EncodingFormat | None = None
    dimensions: Annotated[int, Meta(ge=1)] | None = None
    user: str | None = None
    provider: str | None = None


_READER: Final = RequestReader(
    _Body,
    RequestRules(allowed={"encoding_format": ("float", "base64")}),
    frozenset(_Body.__struct_fields__),
)
_Inputs = tuple[str, ...] | tuple[tuple[int, ...], ...]


class _Vector(msgspec.Struct):
    embedding: list[float] | str
    index: int = 0


class _Reply(msgspec.Struct):
    data: list[_Vector]
    model: str = ""
    usage: dict[str, Any] | None = None


_REPLY: Final = msgspec.json.Decoder(_Reply)
_MEMBERS: Final = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS: Final = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_FLOATS: Final = msgspec.json.Decoder(list[float])
_TEXT: Final = msgspec.json.Decoder(str)
_BROKEN: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class OpenAiEmbeddings:
    """The format for callers and for upstreams."""

    format: Format = OPENAI_EMBEDDINGS

    def read_head(self, body: bytes) -> CallHead:
        """Check types and ranges and return what the gateway needs. Raises InvalidRequest with `param`."""
        read, fields = _READER.read(body)
        extensions = take_extensions(fields)
        inputs = _check_inputs(read.input)
        characters = sum(len(item) if isinstance(item, str) else 4 * len(item) for item in inputs)
        return CallHead(
            model=read.model,
            fields=fields,
            provider=read.provider,
            extensions=extensions,
            prompt_characters=characters,
            affinity=read.user,
        )

    def parse_call(self, body: bytes, *, model: str) -> EmbeddingCall:
        """Return the call in core values. Raises InvalidRequest naming the parameter."""
        read, fields = _READER.read(body)
        take_extensions(fields)
        extra = {name: msgspec.json.decode(value) for name, value in fields.items() if name not in _KNOWN}
        return EmbeddingCall(
            model=model,
            inputs=_check_inputs(read.input),
            dimensions=read.dimensions,
            user=read.user,
            extra=extra or None,
        )

    def render_embeddings(
        self, embeddings: Embeddings, *, encoding_format: EncodingFormat, gateway_usage: GatewayUsage | None = None
    ) -> bytes:
        """Return a whole answer with its vectors in the coding asked for."""
        reply: dict[str, Any] = {
            "object": "list",
            "data": [
                {
                    "object": "embedding",
                    "index": item.index,
                    "embedding": pack_vector(item.vector) if encoding_format == "base64" else item.vector,
                }
                for item in embeddings.vectors
            ],
            "model": embeddings.model,
            "usage": {
                "prompt_tokens": embeddings.usage.prompt_tokens,
                "total_tokens": embeddings.usage.total_tokens,
            },
        }
        if gateway_usage is not None:
            reply["gateway_usage"] = gateway_usage
        return msgspec.json.encode(reply)

    def render_call(self, call: EmbeddingCall, *, model: str) -> bytes:
        """Return the request body for an upstream; base64 is asked for, it is a third of the bytes."""
        body: dict[str, Any] = {**(call.extra or {}), "model": model, "input": call.inputs, "encoding_format": "base64"}
        if call.dimensions is not None:
            body["dimensions"] = call.dimensions
        if call.user is not None:
            body["user"] = call.user
        return msgspec.json.encode(body)

    def parse_embeddings(self, body: bytes) -> Embeddings:
        """Return an upstream's vectors in the order of the inputs, whichever coding it used.

        Raises UpstreamBroken when the answer is not of the format, or the class that its error stands for.
        """
        reply = _decode_reply(body)
        vectors = [
            Embedding(
                index=item.index,
                vector=tuple(unpack_vector(item.embedding) if isinstance(item.embedding, str) else item.embedding),
            )
            for item in sorted(reply.data, key=lambda item: item.index)
        ]
        return Embeddings(model=reply.model, vectors=tuple(vectors), usage=usage_from_openai(reply.usage) or NO_USAGE)

    def usage_of(self, body: bytes) -> Usage:
        """Return the usage of an upstream's answer; zeros when it reports none. Raises as `parse_embeddings`."""
        return usage_from_openai(_decode_members(body).get("usage")) or NO_USAGE


OPENAI_EMBEDDINGS_DIALECT: Final = OpenAiEmbeddings()


def encoding_format_of(fields: dict[str, msgspec.Raw]) -> EncodingFormat:
    """Return how the caller of a checked request wants vectors: floats unless base64 was asked for."""
    return "base64" if bytes(fields.get("encoding_format") or b"") == b'"base64"' else "float"


def convert_reply(body: bytes, encoding_format: EncodingFormat) -> bytes:
    """Return an upstream's answer with its vectors in `encoding_format` and every other member as it came.

    The very same bytes come back when nothing has to change. Raises UpstreamBroken when the answer is
    not of the format, or the class that its error stands for.
    """
    members = _decode_members(body)
    try:
        items = _ITEMS.decode(members["data"])
        changed = False
        for item in items:
            vector = item["embedding"]
            if (bytes(memoryview(vector)[:1]) == b'"') == (encoding_format == "base64"):
                continue
            converted: Any = (
                pack_vector(_FLOATS.decode(vector))
                if encoding_format == "base64"
                else unpack_vector(_TEXT.decode(vector))
            )
            item["embedding"] = msgspec.Raw(msgspec.json.encode(converted))
            changed = True
    except (*_BROKEN, KeyError) as err:
        raise UpstreamBroken("the provider's answer is not a list of embeddings") from err
    if not changed:
        return body
    members["data"] = msgspec.Raw(msgspec.json.encode(items))
    return msgspec.json.encode(members)


def pack_vector(vector: Sequence[float]) -> str:
    """Return base64 of little-endian 32-bit floats. Raises UpstreamBroken for values beyond them."""
    packed = array("f", vector)
    _check_finite(packed)
    if sys.byteorder == "big":
        packed.byteswap()
    return base64.b64encode(packed.tobytes()).decode()


def unpack_vector(text: str) -> list[float]:
    """Return the floats of base64 text. Raises UpstreamBroken when it does not hold 32-bit floats."""
    packed = array("f")
    try:
        packed.frombytes(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as err:
        raise UpstreamBroken("the provider sent a vector that is not base64 of 32-bit floats") from err
    if sys.byteorder == "big":
        packed.byteswap()
    _check_finite(packed)
    return packed.tolist()


def _check_finite(packed: "array[float]") -> None:
    if not math.isfinite(sum(packed)):  # finite 32-bit floats cannot overflow the 64-bit sum
        raise UpstreamBroken("the provider sent a vector with numbers that are not finite")


def _check_inputs(value: str | list[str | int | list[int]]) -> _Inputs:
    """Return texts or lists of token ids, never empty ones, never both. Raises InvalidRequest."""
    if isinstance(value, str):
        value = [value]
    elif value and isinstance(value[0], int):
        return (_check_tokens(value, "input"),)
    if not value:
        raise missing("input", "must not be empty")
    if len(value) > MAX_INPUTS:
        raise invalid(f"input must hold at most {MAX_INPUTS} items", "input", max_value=MAX_INPUTS)
    if isinstance(value[0], str):
        return tuple(_check_text(item, f"input[{index}]") for index, item in enumerate(value))
    return tuple(_check_tokens(item, f"input[{index}]") for index, item in enumerate(value))


def _check_text(item: object, param: str) -> str:
    if not isinstance(item, str):
        raise invalid(f"{param} must be a string like the items before it", param, "INVALID_PARAMETER_TYPE")
    if not item:
        raise missing(param, "must not be empty")
    return item


def _check_tokens(item: object, param: str) -> tuple[int, ...]:
    tokens = tuple(item) if isinstance(item, list) else ()
    if not all(type(token) is int for token in tokens) or not isinstance(item, list):
        raise invalid(f"{param} must be a list of token ids", param, "INVALID_PARAMETER_TYPE")
    if not tokens or min(tokens) < 0:
        raise invalid(f"{param} must hold token ids of 0 or more", param)
    return tokens


def _decode_members(body: bytes) -> dict[str, msgspec.Raw]:
    try:
        members = _MEMBERS.decode(body)
    except _BROKEN as err:
        raise UpstreamBroken("the provider's answer is not a JSON object") from err
    if "data" not in members and (error := error_from_openai(body)) is not None:
        raise error
    return members


def _decode_reply(body: bytes) -> _Reply:
    try:
        return _REPLY.decode(body)
    except _BROKEN as err:
        if (error := error_from_openai(body)) is not None:
            raise error from err
        raise UpstreamBroken("the provider's answer is not a list of embeddings") from err
