"""What an operator says of Amazon Bedrock."""

from typing import Literal

import msgspec

from gatewayz.sdk.http_provider import TimeoutOverrides
from gatewayz.sdk.model_ids import ModelIds
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import split_url

__all__ = ["BedrockSettings"]


class BedrockSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `use: bedrock`: a bearer key, or an access key that signs."""

    region: str = "us-east-1"
    api_key: Secret | None = None
    """A Bedrock API key; sent as bearer token, needs no further package."""
    access_key_id: str = ""
    secret_access_key: Secret | None = None
    """Signs with SigV4; needs the extra gatewayz[bedrock]."""
    session_token: Secret | None = None
    """Of temporary credentials."""
    base_url: str = ""
    """Empty: Amazon's address for the region."""
    timeouts: TimeoutOverrides = TimeoutOverrides()
    unsupported: Literal["default", "reject", "drop"] = "default"
    model_ids: ModelIds = ModelIds(strip=("bedrock/",))

    def __post_init__(self) -> None:
        """Refuse what no request could be made of. Raises ValueError."""
        if not self.region.replace("-", "").isalnum():
            raise ValueError(f"not a region: {self.region!r}")
        split_url(self.address)

    @property
    def address(self) -> str:
        """Where calls go. Source: docs.aws.amazon.com/general/latest/gr/bedrock.html, 2026-10."""
        return self.base_url or f"https://bedrock-runtime.{self.region}.amazonaws.com"

    def is_configured(self) -> bool:
        """True when there is a bearer key or a whole access key."""
        return bool(self.api_key or (self.access_key_id and self.secret_access_key))
