"""The limiter of a process, as its configuration says."""

from contextlib import AsyncExitStack

from gatewayz.config.settings import Settings
from gatewayz.domain.limits.limiter import Limiter
from gatewayz.sdk.clock import Clock

__all__ = ["open_limiter"]


def open_limiter(settings: Settings, clock: Clock, stack: AsyncExitStack) -> Limiter:
    """Return the limiter; counts are shared when there is a Redis. `stack` closes it."""
    url = settings.store.redis_url
    if not url:
        return Limiter(clock)
    from gatewayz.domain.limits.shared import SharedCounters  # noqa: PLC0415  (loaded only where Redis is configured)
    from gatewayz.store.redis import open_redis  # noqa: PLC0415  (likewise)

    redis = open_redis(url)
    stack.push_async_callback(redis.aclose)
    rules = settings.limits
    limiter = Limiter(
        clock,
        SharedCounters(redis),
        settings.server.workers,
        budget_s=rules.redis_budget_s,
        retry_s=rules.redis_retry_s,
    )
    stack.push_async_callback(limiter.aclose)
    return limiter
