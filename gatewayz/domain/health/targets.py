"""What health checks of the gateway's own may look at: store, Redis, and the configured providers."""

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.sdk.chat import Message, ModelCall, Text
from gatewayz.sdk.errors import ConfigurationError, GatewayzError, StoreUnavailable
from gatewayz.sdk.interfaces import Provider
from gatewayz.sdk.wire import CallContext

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["GatewayTargets", "Serving"]


class Serving(Protocol):
    """What a configuration serves."""

    @property
    def providers(self) -> Mapping[str, Provider]:
        """By instance."""
        ...

    @property
    def catalog(self) -> Catalog:
        """Every model."""
        ...


class GatewayTargets:
    """`gatewayz.sdk.health.Targets`, of the configuration in force.

    :param ping_database: one small query. Raises StoreUnavailable.
    :param redis: None where none is configured.
    """

    def __init__(
        self, serving: Callable[[], Serving], ping_database: Callable[[], Awaitable[object]], redis: "Redis | None"
    ) -> None:
        self._serving = serving
        self._ping_database = ping_database
        self._redis = redis

    async def ping_database(self) -> None:
        """Ask the database something small. Raises StoreUnavailable."""
        await self._ping_database()

    async def ping_redis(self) -> bool:
        """Ask Redis something small; False where none is configured. Raises StoreUnavailable."""
        if self._redis is None:
            return False
        try:
            await self._redis.ping()
        except Exception as err:
            raise StoreUnavailable("Redis does not answer") from err
        return True

    async def count_models(self, provider: str) -> int:
        """Read a provider's own model list, and return how long it is. Raises UpstreamError, ConfigurationError."""
        return len(await self._provider(provider).list_models())

    async def complete(self, provider: str, model: str, prompt: str, max_tokens: int) -> None:
        """Have a provider answer, at the gateway's own cost. Raises UpstreamError, ConfigurationError."""
        instance = self._provider(provider)
        try:
            offer = self._serving().catalog.resolve(model, provider).offers[0]
        except GatewayzError as err:
            raise ConfigurationError(f"{provider!r} does not serve {model!r}") from err
        call = ModelCall(
            model=offer.upstream_model,
            messages=(Message(role="user", parts=(Text(text=prompt),)),),
            max_tokens=max_tokens,
        )
        await instance.complete(
            call, CallContext(request_id=f"probe_{os.urandom(8).hex()}", credential=offer.credential)
        )

    def _provider(self, name: str) -> Provider:
        provider = self._serving().providers.get(name)
        if provider is None:
            raise ConfigurationError(f"there is no provider {name!r}, or it is switched off")
        return provider
