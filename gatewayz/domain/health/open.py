"""The vital signs of a process, as its configuration says."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, NamedTuple

from gatewayz.config.settings import Settings
from gatewayz.domain.health.pings import Pings
from gatewayz.domain.health.readings import Readings
from gatewayz.domain.health.targets import GatewayTargets, Serving
from gatewayz.domain.health.vitals import Vitals
from gatewayz.domain.observation.traffic import TrafficView
from gatewayz.sdk.clock import Clock

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["Health", "open_health"]


class Health(NamedTuple):
    """What a process has for it."""

    vitals: Vitals
    pings: Pings
    readings: Readings
    targets: GatewayTargets


def open_health(
    settings: Settings,
    store: "SqlStore",
    view: TrafficView,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    serving: Callable[[], Serving],
) -> Health:
    """Return what health pages read, and what health checks look at; `stack` closes what they hold.

    :param serving: the configuration in force.
    """
    redis = None
    if settings.store.redis_url:
        from gatewayz.store.redis import open_redis  # noqa: PLC0415  (loaded only where Redis is configured)

        redis = open_redis(settings.store.redis_url)
        stack.push_async_callback(redis.aclose)
    ping = store.identity.identity_revision
    readings = Readings(store.health, clock)
    return Health(
        vitals=Vitals(view, clock, ping, store.catalog.lists, redis),
        pings=Pings(clock, redis),
        readings=readings,
        targets=GatewayTargets(serving, ping, redis),
    )
