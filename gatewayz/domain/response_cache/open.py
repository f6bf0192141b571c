"""The response cache of a process, as its configuration says."""

from contextlib import AsyncExitStack

from gatewayz.config.settings import Settings
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.response_cache.response_cache import ResponseCache
from gatewayz.sdk.clock import Clock
from gatewayz.store.cache_records import CacheStore

__all__ = ["open_response_cache"]


def open_response_cache(
    settings: Settings, store: CacheStore, vault: KeyVault, clock: Clock, stack: AsyncExitStack
) -> ResponseCache:
    """Return the cache; answers are shared when there is a Redis. `stack` closes it."""
    url = settings.store.redis_url
    if not url:
        return ResponseCache(store, clock)
    from gatewayz.domain.response_cache.shared import SharedAnswers  # noqa: PLC0415  (only where Redis is configured)
    from gatewayz.store.redis import open_redis  # noqa: PLC0415  (likewise)

    redis = open_redis(url)
    stack.push_async_callback(redis.aclose)
    return ResponseCache(store, clock, SharedAnswers(redis, vault, clock))
