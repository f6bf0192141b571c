"""The JSON of the model lists. Source: spec 02 §1, §2 (4.1.1, 4.1.7); OpenAI and Anthropic list models, 2026-11."""

from typing import Any, Literal

import msgspec

from gatewayz.domain.observation.traffic import Condition

__all__ = [
    "AnthropicModel",
    "AnthropicPage",
    "Comparison",
    "DeveloperPage",
    "ModelDetail",
    "ModelObject",
    "ModelPage",
    "ModelReport",
    "Pricing",
    "ProviderOffer",
    "UniqueModel",
    "UniquePage",
]


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
    """Who serves it: the gateway whose entry this is."""
    source_gateway: str
    context_length: int | None
    max_output_tokens: int | None
    pricing: Pricing
    description: str
    modality: str
    is_active: bool = True
    is_private: bool = False
    """Whether nobody but the caller can see what it answers."""
    health_status: Condition = "unknown"
    """Of this entry, from the traffic of the last minutes."""
    average_response_time_ms: float | None = None
    """Mean of this entry's whole answers in the last hour; null without any."""
    provider_site_url: str | None = None
    model_logo_url: str | None = None
    """Icon of the maker's page, where the maker is one of the gateways."""
    supports_streaming: bool
    supports_function_calling: bool
    supports_vision: bool
    supported_features: tuple[str, ...]
    providers: tuple[str, ...]
    """Every instance that serves it, in the order to try."""
    benchmark_scores: dict[str, float] | None = None
    """Per cent, by benchmark; those that the routers choose by."""
    metadata: dict[str, Any] | None = None
    """Where the price was read, and when."""
    huggingface_metrics: Any = msgspec.UNSET
    """Only where it was asked for; null for models the hub does not know, or while it is not reachable."""


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


class DeveloperPage(msgspec.Struct, frozen=True, kw_only=True):
    """The models of one maker."""

    developer: str
    models: tuple[msgspec.Raw, ...]
    total: int
    count: int
    offset: int
    limit: int
    gateway: str = "all"
    timestamp: str


class ProviderOffer(msgspec.Struct, frozen=True, kw_only=True):
    """What one gateway offers of a model."""

    slug: str
    name: str
    pricing: Pricing
    context_length: int | None
    health_status: Condition
    average_response_time_ms: float | None
    modality: str
    supports_streaming: bool
    supports_function_calling: bool
    supports_vision: bool
    description: str
    model_name: str
    """What the gateway calls it."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A model at one gateway, or that it is not to be had there."""

    gateway: str
    available: bool
    model_id: str
    name: str
    pricing: dict[str, str | None] | None = None
    context_length: int | None = None
    architecture: dict[str, str]
    provider_site_url: str | None
    source_gateway: str
    health_status: Condition = "unknown"
    average_response_time_ms: float | None = None


class ModelReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known of one model."""

    data: ModelObject
    providers: tuple[ProviderOffer, ...]
    provider: str
    model: str
    gateway: str
    include_huggingface: bool
    timestamp: str


class UniqueModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model with every gateway that serves it; one that nobody serves is not active."""

    id: str
    name: str
    is_active: bool = True
    providers: tuple[ProviderOffer, ...] = ()
    provider_count: int = 0
    cheapest_provider: str | None = None
    fastest_provider: str | None = None
    cheapest_prompt_price: str | None = None
    fastest_response_time: float | None = None
    """Milliseconds, mean of the last hour."""


class UniquePage(msgspec.Struct, frozen=True, kw_only=True):
    """A page of models without repetition."""

    models: tuple[UniqueModel, ...]
    total: int
    limit: int
    offset: int
    filters: dict[str, Any]
    sort: dict[str, str]
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
