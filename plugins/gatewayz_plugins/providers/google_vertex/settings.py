"""What an operator says of Vertex AI."""

from typing import Literal

import msgspec

from gatewayz.sdk.http_provider import TimeoutOverrides
from gatewayz.sdk.model_ids import ModelIds
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import split_url

__all__ = ["GoogleVertexSettings"]


class GoogleVertexSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `use: google_vertex`."""

    credentials_file: str = ""
    """Path of a service account's JSON key."""
    credentials_json: Secret | None = None
    """The key itself, in place of a file."""
    project: str = ""
    """Empty: the service account's own."""
    region: str = "us-central1"
    """`global` uses the global endpoint."""
    base_url: str = ""
    """Empty: Google's address for the region."""
    timeouts: TimeoutOverrides = TimeoutOverrides()
    unsupported: Literal["default", "reject", "drop"] = "default"
    model_ids: ModelIds = ModelIds(strip=("google/",))

    def __post_init__(self) -> None:
        """Refuse what no request could be made of. Raises ValueError."""
        split_url(self.address)
        if not self.region.replace("-", "").isalnum():
            raise ValueError(f"not a region: {self.region!r}")

    @property
    def address(self) -> str:
        """Where calls go. Source: cloud.google.com/vertex-ai/docs/reference/rest, 2026-10."""
        if self.base_url:
            return self.base_url
        host = "aiplatform" if self.region == "global" else f"{self.region}-aiplatform"
        return f"https://{host}.googleapis.com/v1"

    def is_configured(self) -> bool:
        """True when there is a service account."""
        return bool(self.credentials_file or self.credentials_json)
