"""What is looked for rather than told by its cause: low balances, and outages of models that are in use.

Both are read from what is on disk, and what was told is told once: a round may be cut off anywhere.
"""

from typing import Final

from gatewayz.sdk.clock import Clock
from gatewayz.store.webhook_records import NewEvent, WebhookStore, event_of, milliseconds

__all__ = ["WebhookWatch"]

_DAY_MS: Final = 86_400_000


class WebhookWatch:
    """`look` is the round of one job, `forget` that of another, which runs where nothing is delivered, too."""

    def __init__(self, store: WebhookStore, clock: Clock, keep_days: int) -> None:
        self._store = store
        self._clock = clock
        self._keep_ms = keep_days * _DAY_MS

    async def look(self) -> int:
        """Write down what is to be told; return how many events. Raises StoreUnavailable."""
        now = self._clock.now()
        told = await self._store.emit_balances(now)
        degraded: list[NewEvent] = []
        for each in await self._store.list_degraded(now):
            data = {
                "incident_id": each.incident_id,
                "model": each.model,
                "provider": each.provider,
                "severity": each.severity,
                "started_at": each.started_at,
                "error_code": each.error_code,
            }
            source = f"incident {each.incident_id} {each.model}"
            degraded.append(event_of(each.user_id, "model.degraded", data, milliseconds(now), source))
        return told + await self._store.emit_new(degraded)

    async def forget(self) -> None:
        """Forget old deliveries. Raises StoreUnavailable."""
        await self._store.prune(milliseconds(self._clock.now()) - self._keep_ms)
