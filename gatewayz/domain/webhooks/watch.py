"""What is looked for rather than told by its cause: low balances, and outages of models that are in use.

Both are read from what is on disk, and what was told is told once: a round may be cut off anywhere.
"""

from typing import Final

from gatewayz.domain.webhooks.webhooks import Webhooks
from gatewayz.sdk.clock import Clock
from gatewayz.store.webhook_records import WebhookStore, milliseconds

__all__ = ["WebhookWatch"]

_DAY_MS: Final = 86_400_000


class WebhookWatch:
    """`look` is the job's round."""

    def __init__(self, store: WebhookStore, webhooks: Webhooks, clock: Clock, keep_days: int) -> None:
        self._store = store
        self._webhooks = webhooks
        self._clock = clock
        self._keep_ms = keep_days * _DAY_MS

    async def look(self) -> int:
        """Write down what is to be told, and forget what is old; return how many events. Raises StoreUnavailable."""
        now = self._clock.now()
        told = await self._store.emit_balances(now)
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
            told += await self._webhooks.emit(each.user_id, "model.degraded", data, source=source) > 0
        await self._store.prune(milliseconds(now) - self._keep_ms)
        return told
