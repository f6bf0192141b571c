"""What an operator says of an OpenAI-compatible upstream."""

from typing import Final, Literal

import msgspec

from gatewayz.sdk.credentials import are_configured
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.headers import header_bytes
from gatewayz.sdk.http_provider import TimeoutOverrides
from gatewayz.sdk.model_ids import ModelIds
from gatewayz.sdk.quirks import Quirks
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import split_url

__all__ = ["DEFAULT_PATHS", "FormatName", "Listing", "ListingPrices", "OpenAICompatibleSettings", "Region"]

FormatName = Literal[
    "openai_chat",
    "openai_completions",
    "openai_responses",
    "openai_embeddings",
    "openai_images",
    "openai_transcriptions",
    "openai_speech",
    "anthropic_messages",
]

DEFAULT_PATHS: Final[dict[str, str]] = {
    "openai_chat": "/chat/completions",
    "openai_completions": "/completions",
    "openai_responses": "/responses",
    "openai_embeddings": "/embeddings",
    "openai_images": "/images/generations",
    "openai_transcriptions": "/audio/transcriptions",
    "openai_speech": "/audio/speech",
    "anthropic_messages": "/messages",
}


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Unknown keys are errors."""


class ListingPrices(_Settings, frozen=True, kw_only=True):
    """Where a model list shows prices in US dollars, as dotted paths in each entry."""

    input: str
    output: str
    cache_read: str | None = None
    cache_write: str | None = None
    request: str | None = None
    """US dollars for each call, whatever `per` says."""
    per: Literal["token", "million_tokens"]


class Listing(_Settings, frozen=True, kw_only=True):
    """The upstream's model list."""

    path: str = "/models"
    prices: ListingPrices | None = None
    """None: what the list says of prices is not used."""


class Region(_Settings, frozen=True, kw_only=True):
    """Where one region of an upstream is, and its key there."""

    base_url: str
    api_key: Secret | None = None


class OpenAICompatibleSettings(_Settings, frozen=True, kw_only=True):
    """Settings of `use: openai_compatible`."""

    base_url: str
    """Up to the version (`https://api.groq.com/openai/v1`); paths are put behind it. Empty: not configured."""
    region: str = ""
    """Which of `regions` is used; empty or unknown to `regions`: the entry's own `base_url` and `api_key`."""
    regions: dict[str, Region] = {}
    api_key: Secret | None = None
    """Absent: no authentication. Written but empty: not configured, the provider is off under `enabled: auto`."""
    api_keys: dict[str, Secret] = {}
    """More credentials by label; each has circuits and cooldowns of its own."""
    auth: Literal["bearer", "header", "none"] = "bearer"
    auth_header: str = "x-api-key"
    """Header that carries the key with `auth: header`."""
    formats: tuple[FormatName, ...] = ("openai_chat",)
    """Wire formats it serves; calls in these are relayed byte for byte, but for sound, which is sent anew."""
    paths: dict[FormatName, str] = {}
    """Path of a format where it is not OpenAI's."""
    headers: dict[str, str] = {}
    """Sent with every call."""
    query: dict[str, str] = {}
    """Sent with every call."""
    requires: dict[str, str] = {}
    """Further values without which the upstream cannot be used, such as an account id; an empty one turns it off."""
    timeouts: TimeoutOverrides = TimeoutOverrides()
    unsupported: Literal["default", "reject", "drop"] = "default"
    """What a translated call cannot carry: hints dropped and semantics refused, or all refused, or all dropped."""
    quirks: Quirks = Quirks()
    """Differences of its `openai_chat`."""
    model_quirks: dict[str, Quirks] = {}
    """Likewise for upstream ids that fit a pattern (`o3*`); the first that fits is used in place of `quirks`."""
    format_quirks: dict[FormatName, Quirks] = {}
    """Differences of its other formats."""
    errors: tuple[ErrorRule, ...] = ()
    """Its own error table, asked before statuses."""
    model_ids: ModelIds = ModelIds()
    listing: Listing | None = Listing()
    """None: it publishes no model list."""

    def __post_init__(self) -> None:
        """Refuse what no request could be made of. Raises ValueError."""
        for url in (self.base_url, *(region.base_url for region in self.regions.values())):
            if url:
                split_url(url)
        header_bytes({**self.headers, self.auth_header: ""})

    @property
    def endpoint(self) -> Region:
        """Base URL and key of the region in use."""
        own = Region(base_url=self.base_url, api_key=self.api_key)
        return self.regions.get(self.region.lower(), own)

    def is_configured(self) -> bool:
        """True when a key is there, or none is needed, and every required value is there."""
        endpoint = self.endpoint
        return (
            bool(endpoint.base_url) and are_configured(endpoint.api_key, self.api_keys) and all(self.requires.values())
        )
