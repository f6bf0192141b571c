"""The JSON of the model lists. Source: spec 02 §1, §2 (4.1.1, 4.1.7); OpenAI and Anthropic list models, 2026-11."""

from typing import Any, Literal

import msgspec

__all__ = ["AnthropicModel", "AnthropicPage", "ModelDetail", "ModelObject", "ModelPage", "Pricing"]


class Pricing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """US dollars for each token, each image, each call, as decimal text."""

    prompt: str
    completion: str
    image: str | None = None
    request: str | None = None
    input_cache_read: str | None = None
    input_cache_write: str | None = None


class ModelObject(msgspec.Struct, frozen=True, kw_only=True):
    """One model, as OpenAI's SDKs read it and with the gateway's own fields."""

    id: str
    object: Literal["model"] = "model"
    created: int
    owned_by: str
    name: str
    provider_slug: str
    """Who serves it."""
    source_gateway: str
    context_length: int | None
    max_output_tokens: int | None
    pricing: Pricing
    description: str
    modality: str
    is_active: bool = True
    health_status: Literal["healthy", "degraded", "down", "unknown"] = "unknown"
    average_response_time_ms: float | None = None
    provider_site_url: str | None = None
    model_logo_url: str | None = None
    supports_streaming: bool
    supports_function_calling: bool
    supports_vision: bool
    supported_features: tuple[str, ...]
    providers: tuple[str, ...]
    """Every instance that serves it, in the order to try."""
    benchmark_scores: dict[str, float] | None = None
    metadata: dict[str, Any] | None = None


class ModelPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the list; `data` holds models that are encoded already."""

    object: Literal["list"] = "list"
    data: tuple[msgspec.Raw, ...]
    total: int
    returned: int
    offset: int
    limit: int
    has_more: bool
    next_offset: int | None
    include_huggingface: bool = False
    gateway: str = "all"
    note: str | None = None
    timestamp: str


class ModelDetail(ModelObject, frozen=True, kw_only=True):
    """One model by itself: its fields at the top level, and once more below `data` for older clients."""

    data: ModelObject
    provider: str
    model: str
    gateway: str | None = None
    include_huggingface: bool = False
    timestamp: str


class AnthropicModel(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="model"):
    """One model, as Anthropic's SDKs read it."""

    id: str
    display_name: str
    created_at: str
    """RFC 3339; the epoch where it is not known."""
    lifecycle: Literal["active"] = "active"
    max_input_tokens: int | None
    max_tokens: int | None


class AnthropicPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of Anthropic's list."""

    data: tuple[msgspec.Raw, ...]
    has_more: bool
    first_id: str | None
    last_id: str | None
