"""What an operator says of an Azure OpenAI resource."""

from typing import Literal

import msgspec

from gatewayz.sdk.credentials import are_configured
from gatewayz.sdk.error_rules import ErrorRule
from gatewayz.sdk.http_provider import TimeoutOverrides
from gatewayz.sdk.model_ids import ModelIds
from gatewayz.sdk.quirks import Quirks
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import split_url

__all__ = ["AzureFormat", "AzureOpenAISettings"]

AzureFormat = Literal["openai_chat", "openai_completions", "openai_embeddings"]


class AzureOpenAISettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `use: azure_openai`."""

    base_url: str
    """The resource's endpoint (`https://NAME.openai.azure.com`). Empty: not configured."""
    api_key: Secret | None = None
    """Absent: no authentication. Written but empty: not configured."""
    api_keys: dict[str, Secret] = {}
    """More credentials by label; each has circuits and cooldowns of its own."""
    auth: Literal["api-key", "bearer"] = "api-key"
    """`bearer`: the key is an Entra access token."""
    api_version: str = "2024-10-21"
    """Source: learn.microsoft.com/azure/ai-services/openai/api-version-deprecation, 2026-10: the latest stable one."""
    deployments: dict[str, str] = {}
    """Model (its id without vendor) to deployment; a model that is not named is deployed under its own name."""
    formats: tuple[AzureFormat, ...] = ("openai_chat", "openai_embeddings")
    headers: dict[str, str] = {}
    """Sent with every call."""
    quirks: Quirks = Quirks()
    model_quirks: dict[str, Quirks] = {}
    """Likewise for models that fit a pattern (`o3*`)."""
    errors: tuple[ErrorRule, ...] = ()
    timeouts: TimeoutOverrides = TimeoutOverrides()
    unsupported: Literal["default", "reject", "drop"] = "default"
    model_ids: ModelIds = ModelIds(strip=("openai/", "azure/"))

    def __post_init__(self) -> None:
        """Refuse what no request could be made of. Raises ValueError."""
        if self.base_url:
            split_url(self.base_url)

    def is_configured(self) -> bool:
        """True when there is an endpoint and a key, or none is needed."""
        return bool(self.base_url) and are_configured(self.api_key, self.api_keys)
