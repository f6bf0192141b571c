"""What an operator says of Cohere."""

from typing import Literal

import msgspec

from gatewayz.sdk.credentials import are_configured
from gatewayz.sdk.http_provider import TimeoutOverrides
from gatewayz.sdk.model_ids import ModelIds
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import split_url

__all__ = ["CohereSettings"]


class CohereSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `use: cohere`."""

    base_url: str = "https://api.cohere.com"
    api_key: Secret | None = None
    """Absent: no authentication. Written but empty: not configured."""
    api_keys: dict[str, Secret] = {}
    """More credentials by label; each has circuits and cooldowns of its own."""
    embedding_input_type: Literal["search_document", "search_query", "classification", "clustering"] = "search_document"
    """What embeddings are made for: OpenAI's format has no word for it."""
    headers: dict[str, str] = {}
    """Sent with every call."""
    timeouts: TimeoutOverrides = TimeoutOverrides()
    unsupported: Literal["default", "reject", "drop"] = "default"
    model_ids: ModelIds = ModelIds(strip=("cohere/",))

    def __post_init__(self) -> None:
        """Refuse what no request could be made of. Raises ValueError."""
        split_url(self.base_url)

    def is_configured(self) -> bool:
        """True when a key is there, or none is needed."""
        return are_configured(self.api_key, self.api_keys)
