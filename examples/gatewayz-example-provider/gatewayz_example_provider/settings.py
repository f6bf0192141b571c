"""What an operator says of the upstream."""

import msgspec

from gatewayz.sdk.secret import Secret


class SignedSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of `use: signed_openai`."""

    base_url: str
    api_key: Secret
    """Says who calls. Empty: not configured, and so switched off under `enabled: auto`."""
    signing_secret: Secret
    """Proves that the body is what was sent."""

    def is_configured(self) -> bool:
        """True when both secrets are there."""
        return bool(self.api_key) and bool(self.signing_secret)
