"""Connections to Redis or Valkey, for what processes share and may lose."""

from typing import Final

from redis.asyncio import Redis

__all__ = ["open_redis"]

_TIMEOUT_S: Final = 0.2


def open_redis(url: str) -> "Redis":
    """Return a client that fails fast: no retries, 0.2 s for connecting and for each answer.

    redis-py's own defaults wait about four seconds when nothing listens. Source: design 6.
    """
    return Redis.from_url(
        url, socket_connect_timeout=_TIMEOUT_S, socket_timeout=_TIMEOUT_S, retry=None, health_check_interval=0
    )
