"""Delivering: what is due is sent by any process, at least once, and what came of it is written down.

A claim is a lease on the row: a process that dies leaves it to the next one, under the same id.
Source: docs/decisions/0186-webhook-outbox.md.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from random import random
from time import perf_counter
from typing import Final, Protocol

from gatewayz.config.sections.webhooks import Webhooks as Rules
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.webhooks.signing import signed_headers
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import RequestError, StoreUnavailable
from gatewayz.sdk.wire import Headers
from gatewayz.store.webhook_records import Attempt, ClaimedDelivery, Endpoint, WebhookStore, milliseconds

__all__ = ["Answer", "Deliverer", "Post", "pause_s"]

_AT_ONCE: Final = 50
"""Deliveries under way in one process."""
_AT_ONCE_EACH: Final = 4
"""Of them to one endpoint: a slow one must not keep the others waiting."""
_AT_ONCE_USER: Final = 12
"""Of them to one user, who may have several endpoints: no two users fill a process."""
_LONGEST_PAUSE_S: Final = 6 * 3600.0
_GROWTH: Final = 4
_GONE: Final = 410
_GRACE_S: Final = 3.0
"""How long a process that stops waits for answers."""

_log = logging.getLogger("gatewayz.webhooks")


class Answer(Protocol):
    """What a receiver said."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...


class Post(Protocol):
    """Sends through the egress guard."""

    async def __call__(self, url: str, *, headers: Headers, body: bytes) -> Answer:
        """Return the answer, whatever its status. Raises InvalidRequest: refused, or not reached."""
        ...


class Deliverer:
    """Sends what is due. `round` claims and begins; `aclose` waits for what is under way.

    :param draw: random numbers in 0..1.
    """

    def __init__(
        self,
        store: WebhookStore,
        vault: KeyVault,
        clock: Clock,
        post: Post,
        *,
        rules: Rules,
        draw: Callable[[], float] = random,
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._post = post
        self._rules = rules
        self._draw = draw
        self._lease_ms = round((rules.timeout_s + 30) * 1000)
        self._running: dict[asyncio.Task[None], Endpoint] = {}
        """Task to the endpoint it sends to."""

    async def round(self) -> int:
        """Begin to send what is due and there is room for; return how many. Raises StoreUnavailable."""
        room = _AT_ONCE - len(self._running)
        if room <= 0:
            return 0
        busy, left = _full(Counter(each.id for each in self._running.values()), _AT_ONCE_EACH)
        busy_users, left_of_user = _full(Counter(each.user_id for each in self._running.values()), _AT_ONCE_USER)
        claimed = await self._store.claim(
            milliseconds(self._clock.now()),
            limit=min(room, left, left_of_user),
            lease_ms=self._lease_ms,
            busy=busy,
            busy_users=busy_users,
        )
        for each in claimed:
            task = asyncio.create_task(self._deliver(each))
            self._running[task] = each.endpoint
            task.add_done_callback(self._ended)
        return len(claimed)

    async def rounds(self) -> None:
        """Begin to send until nothing is due or there is no room. Raises StoreUnavailable."""
        while await self.round():
            pass

    async def settle(self) -> None:
        """Wait until nothing is under way."""
        while self._running:
            await asyncio.wait(tuple(self._running))

    async def aclose(self) -> None:
        """Wait a little for what is under way; the rest is sent again after its lease."""
        if self._running:
            await asyncio.wait(tuple(self._running), timeout=_GRACE_S)
        left = tuple(self._running)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.pop(task, None)
        if not task.cancelled() and (err := task.exception()) is not None:
            _log.error("a delivery ended with an error", exc_info=err)

    async def _deliver(self, claimed: ClaimedDelivery) -> None:
        delivery, endpoint = claimed.delivery, claimed.endpoint
        begun, body = self._clock.now(), delivery.body.encode()
        status: int | None = None
        error: str | None = None
        timer = perf_counter()
        try:
            headers = signed_headers(self._vault, endpoint, delivery.event_id, body, milliseconds(begun))
            status = (await self._post(endpoint.url, headers=headers, body=body)).status
        except RequestError as err:
            error = err.message[:200]
        except Exception:  # noqa: BLE001  a try that is not noted would be made again after every lease, without end
            _log.exception("delivery %d failed", delivery.id)
            error = "the delivery failed within the gateway"
        duration_ms = round((perf_counter() - timer) * 1000)
        if status is not None and not 200 <= status < 300:
            error = f"answered {status}"
        attempt = self._judge(claimed, status, error, duration_ms)
        try:
            await self._store.finish(attempt)
        except StoreUnavailable:
            _log.warning("what came of delivery %d was not written: it is made again", delivery.id)

    def _judge(self, claimed: ClaimedDelivery, status: int | None, error: str | None, duration_ms: int) -> Attempt:
        delivery, endpoint = claimed.delivery, claimed.endpoint
        now_ms = milliseconds(self._clock.now())
        next_ms = now_ms + round(pause_s(delivery.attempts, self._rules.retry_s, self._draw()) * 1000)
        is_last = status == _GONE or next_ms > delivery.expires_ms
        failing_since_ms = endpoint.failing_since_ms or now_ms
        disable = None
        if status == _GONE:
            disable = "gone"
        elif now_ms - failing_since_ms >= self._rules.disable_after_s * 1000:
            disable = "failing"
        if error is not None and disable is not None:
            _log.warning("endpoint %d of user %d is switched off: %s", endpoint.id, endpoint.user_id, disable)
        return Attempt(
            delivery_id=delivery.id,
            endpoint_id=endpoint.id,
            state="delivered" if error is None else "failed" if is_last else "waiting",
            next_ms=next_ms,
            tried_ms=now_ms,
            response_status=status,
            duration_ms=duration_ms,
            error=error,
            disable=None if error is None else disable,
        )


def _full(under_way: Counter[int], most: int) -> tuple[list[int], int]:
    """Return who has `most` under way, and how many more whoever else has the most may get."""
    full = [each for each, count in under_way.items() if count >= most]
    return full, most - max((count for count in under_way.values() if count < most), default=0)


def pause_s(attempts: int, first_s: float, draw: float) -> float:
    """Return how long to wait after a failed try, `attempts` having been made before it; jitter is a fifth."""
    grown = first_s * float(_GROWTH) ** min(attempts, 10)
    return min(grown, _LONGEST_PAUSE_S) * (0.8 + 0.4 * draw)
