"""Cohere's embed format; pure functions. Source: docs.cohere.com/reference/embed, version 2, 2026-10."""

from typing import Any, Final

import msgspec

from gatewayz.sdk.chat import Embedding, EmbeddingCall, Embeddings
from gatewayz.sdk.errors import UnsupportedFeature, UpstreamBroken
from gatewayz.sdk.usage import Usage

__all__ = ["parse_embeddings", "render_embedding_call"]


class _Vectors(msgspec.Struct, frozen=True):
    float: list[tuple[float, ...]]


class _Billed(msgspec.Struct, frozen=True):
    input_tokens: float = 0


class _Meta(msgspec.Struct, frozen=True):
    billed_units: _Billed = _Billed()


class _Answer(msgspec.Struct, frozen=True):
    embeddings: _Vectors
    meta: _Meta = _Meta()


_ANSWER: Final = msgspec.json.Decoder(_Answer)


def render_embedding_call(call: EmbeddingCall, input_type: str) -> bytes:
    """Return the request body. Raises UnsupportedFeature for lists of token ids."""
    texts = [text for text in call.inputs if isinstance(text, str)]
    if len(texts) != len(call.inputs):
        raise UnsupportedFeature("Cohere embeds texts, not token ids", param="input")
    body: dict[str, Any] = {
        "model": call.model,
        "texts": texts,
        "input_type": input_type,
        "embedding_types": ["float"],
    }
    if call.dimensions is not None:
        body["output_dimension"] = call.dimensions
    return msgspec.json.encode(body)


def parse_embeddings(body: bytes, call: EmbeddingCall) -> Embeddings:
    """Return the vectors in the order of the inputs. Raises UpstreamBroken."""
    try:
        answer = _ANSWER.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise UpstreamBroken("the provider's answer is not of its embed format") from err
    vectors = answer.embeddings.float
    if len(vectors) != len(call.inputs):
        raise UpstreamBroken("the provider answered another number of vectors than inputs")
    tokens = answer.meta.billed_units.input_tokens
    return Embeddings(
        model=call.model,
        vectors=tuple(Embedding(index=index, vector=vector) for index, vector in enumerate(vectors)),
        usage=Usage(input_tokens=int(tokens) if 0 <= tokens < 2**53 else 0),
    )
