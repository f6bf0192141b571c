"""What a plugin is given: its only door outwards."""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.health import Targets
from gatewayz.sdk.ledger import AccountLedger
from gatewayz.sdk.wire import HttpClient

if TYPE_CHECKING:
    import httpx

__all__ = ["PluginContext"]


class PluginContext(msgspec.Struct, frozen=True, kw_only=True):
    """Handed to `build`. It holds no secret; a plugin's secrets are in its own settings."""

    instance: str
    """Name of this instance in the configuration: appears in logs, metrics and answers."""
    http: HttpClient
    """Pooled HTTP for calls to the upstream."""
    clock: Clock
    logger: logging.Logger
    data_dir: Path
    """A folder this instance may write to; created on first use by the plugin."""
    ledger: AccountLedger | None = None
    """The gateway's prepaid accounts: for billing plugins, where a store is open."""

    targets: Targets | None = None
    """The gateway's own parts and providers: for health checks, in a gateway that serves."""

    def httpx_client(self) -> "httpx.AsyncClient":
        """Return a new httpx client over the same pools, for code that wants the familiar interface.

        The plugin closes it in `aclose`. Raises TypeError when the context's client has no httpx face
        (fakes in tests).
        """
        make = getattr(self.http, "httpx_client", None)
        if make is None:
            raise TypeError("this context offers no httpx client")
        client: httpx.AsyncClient = make()
        return client
