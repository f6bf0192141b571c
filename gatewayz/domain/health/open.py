"""The vital signs of a process, as its configuration says."""

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from gatewayz.config.settings import Settings
from gatewayz.domain.health.pings import Pings
from gatewayz.domain.health.vitals import Vitals
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.sdk.clock import Clock

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["open_health"]


def open_health(
    settings: Settings, store: "SqlStore", view: TrafficView, clock: Clock, stack: AsyncExitStack
) -> tuple[Vitals, Pings]:
    """Return what health pages read, and the counter of pings; `stack` closes what they hold."""
    redis = None
    if settings.store.redis_url:
        from gatewayz.store.redis import open_redis  # noqa: PLC0415  (loaded only where Redis is configured)

        redis = open_redis(settings.store.redis_url)
        stack.push_async_callback(redis.aclose)
    vitals = Vitals(view, clock, store.identity.identity_revision, store.catalog.lists, redis)
    return vitals, Pings(clock, redis)
