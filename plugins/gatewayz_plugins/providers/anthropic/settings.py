"""What an operator says of an upstream that speaks Anthropic's messages format."""

from typing import Literal

import msgspec

from gatewayz.sdk.credentials import are_configured
from gatewayz.sdk.headers import header_bytes
from gatewayz.sdk.http_provider import TimeoutOverrides
from gatewayz.sdk.model_ids import ModelIds
from gatewayz.sdk.quirks import Quirks
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import split_url

__all__ = ["AnthropicSettings"]


class AnthropicSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `use: anthropic`."""

    base_url: str = "https://api.anthropic.com/v1"
    api_key: Secret | None = None
    """Absent: no authentication. Written but empty: not configured."""
    api_keys: dict[str, Secret] = {}
    """More credentials by label; each has circuits and cooldowns of its own."""
    auth: Literal["x-api-key", "bearer"] = "x-api-key"
    version: str = "2023-06-01"
    """`anthropic-version` of calls whose caller named none."""
    betas: tuple[str, ...] = ()
    """`anthropic-beta` values sent with every call, before the caller's own."""
    headers: dict[str, str] = {}
    """Sent with every call."""
    quirks: Quirks = Quirks()
    timeouts: TimeoutOverrides = TimeoutOverrides()
    unsupported: Literal["default", "reject", "drop"] = "default"
    model_ids: ModelIds = ModelIds(strip=("anthropic/",))

    def __post_init__(self) -> None:
        """Refuse what no request could be made of. Raises ValueError."""
        split_url(self.base_url)
        header_bytes({**self.headers, "anthropic-version": self.version, "anthropic-beta": ",".join(self.betas)})

    def is_configured(self) -> bool:
        """True when a key is there, or none is needed."""
        return are_configured(self.api_key, self.api_keys)
