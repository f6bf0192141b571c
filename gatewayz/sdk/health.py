"""What health checks may look at beside the network."""

from typing import Protocol

__all__ = ["Targets"]


class Targets(Protocol):
    """The gateway's own parts, and its configured providers, of the configuration in force."""

    async def ping_database(self) -> None:
        """Ask the database something small. Raises StoreUnavailable."""
        ...

    async def ping_redis(self) -> bool:
        """Ask Redis something small; False where none is configured. Raises StoreUnavailable."""
        ...

    async def count_models(self, provider: str) -> int:
        """Read a provider's own model list, and return how long it is. Raises UpstreamError, ConfigurationError."""
        ...

    async def complete(self, provider: str, model: str, prompt: str, max_tokens: int) -> None:
        """Have a provider answer, at the gateway's own cost. Raises UpstreamError, ConfigurationError."""
        ...
