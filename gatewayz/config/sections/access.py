"""Settings of who may: keys, open routes, mail domains."""

from typing import Literal

from gatewayz.config.sections.base import PositiveInt, Section
from gatewayz.sdk.secret import Secret

__all__ = ["Access", "Keys", "MailDomains", "Openness"]

Openness = Literal["public", "admin"]


class Access(Section, frozen=True, kw_only=True):
    """Which operator routes are open."""

    anonymous_inference: bool = False
    circuit_breakers: Openness = "admin"
    metrics: Openness = "admin"
    error_monitor: Openness = "admin"
    """Public answers hold no places in the code, no request ids and no log lines."""
    cors_origins: tuple[str, ...] = ()
    admin_api_key: Secret = Secret("")
    admin_email: str = ""
    """Whose account is made an administrator's at start and at sign-in, when the address is verified."""


class Keys(Section, frozen=True, kw_only=True):
    """How API keys are kept: looked up by keyed hash, encrypted with a versioned keyring."""

    hash_salt: Secret = Secret("")
    """At least 16 characters. Empty: made once and kept in the data folder."""
    keyring: dict[str, Secret] = {}
    """Version number to Fernet key. Empty: version 1 is made once and kept in the data folder."""
    current_version: PositiveInt | None = None
    """Version that encrypts; the highest one by default."""
    cache_entries: PositiveInt = 100_000


class MailDomains(Section, frozen=True, kw_only=True):
    """Domains of e-mail addresses that are not like others; subdomains are meant too."""

    temporary: tuple[str, ...] = ()
    """Throw-away mail: accounts are marked, and bound tightly."""
    blocked: tuple[str, ...] = ()
    """No accounts."""
