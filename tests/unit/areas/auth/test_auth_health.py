from types import SimpleNamespace
from typing import Any, cast

import pytest

from gatewayz.areas.auth.service import check_auth
from gatewayz.config.sections.serving import Store
from gatewayz.domain.identity.authenticator import AuthenticatorStats
from gatewayz.web.services import Services
from tests.fakes.clock import FakeClock


async def health(
    *, trouble: str | None = None, is_feed_current: bool = True, redis_url: str = "", is_degraded: bool = False
) -> dict[str, Any]:
    async def check() -> str | None:
        return trouble

    stats = AuthenticatorStats(entries=1, hits=2, loads=3, refused=4, is_feed_current=is_feed_current)
    services = SimpleNamespace(
        store=SimpleNamespace(check=check, database=SimpleNamespace(timeout_s=10.0)),
        authenticator=SimpleNamespace(stats=lambda: stats),
        limiter=SimpleNamespace(is_degraded=is_degraded),
        clock=FakeClock(),
    )
    settings = SimpleNamespace(store=Store(redis_url=redis_url))
    return await check_auth(cast(Services, services), cast(Any, settings))


async def test_all_is_well() -> None:
    shown = await health()
    assert shown["status"] == "healthy"
    assert shown["checks"]["redis"] == {"status": "not_configured", "latency_ms": None}
    assert shown["checks"]["timeouts"]["user_lookup_timeout_seconds"] == 10.0
    assert "issues" not in shown


@pytest.mark.parametrize(
    ("state", "status", "check"),
    [
        ({"trouble": "the database does not answer", "is_feed_current": False}, "unhealthy", "database"),
        ({"is_feed_current": False}, "degraded", "auth_cache"),
        ({"redis_url": "redis://localhost", "is_degraded": True}, "degraded", "redis"),
    ],
)
async def test_what_is_wrong_is_said(state: dict[str, Any], status: str, check: str) -> None:
    shown = await health(**state)
    assert shown["status"] == status
    assert shown["issues"]
    assert shown["checks"][check]["status"] in ("unhealthy", "stale")


async def test_a_redis_that_answers_is_healthy() -> None:
    assert (await health(redis_url="redis://localhost"))["checks"]["redis"]["status"] == "healthy"
