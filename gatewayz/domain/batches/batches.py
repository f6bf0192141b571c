"""What users do with batches: ask for one, look at it, call it off."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from secrets import token_hex
from typing import Final

from gatewayz.config.sections.batches import Batches as BatchRules
from gatewayz.domain.batches.store import BatchStore
from gatewayz.domain.files.files import BATCH_INPUT, Files
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import Conflict, InvalidRequest, RateLimited, ResourceNotFound
from gatewayz.store.batch_records import Batch, NewBatch

__all__ = ["WINDOW", "Batches"]

WINDOW: Final = "24h"
_FULL_RETRY_S: Final = 60.0


class Batches:
    """The service. Batches of others are as if they were not there.

    :param rules_of: gives the rules in force.
    """

    def __init__(self, store: BatchStore, files: Files, clock: Clock, rules_of: Callable[[], BatchRules]) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._rules_of = rules_of

    async def create(
        self,
        user_id: int,
        key_id: int,
        *,
        endpoint: str,
        input_file_id: str,
        metadata: dict[str, str] | None,
        output_ttl_s: int | None,
    ) -> Batch:
        """Return a new batch, whose lines are read in the background.

        Raises ResourceNotFound, InvalidRequest (the file is not for batches), RateLimited (too many under way).
        """
        file = await self._files.find(user_id, input_file_id)
        if file.purpose != BATCH_INPUT:
            raise InvalidRequest(f"The purpose of the file is not '{BATCH_INPUT}'.", param="input_file_id")
        rules, now = self._rules_of(), self._clock.now()
        new = NewBatch(
            public_id=f"batch_{token_hex(12)}",
            user_id=user_id,
            key_id=key_id,
            endpoint=endpoint,
            input_file_id=file.public_id,
            completion_window=WINDOW,
            metadata=metadata,
            expires_at=now + timedelta(seconds=rules.window_s),
            output_ttl_s=output_ttl_s,
        )
        batch = await self._store.add(new, now, rules.max_open)
        if batch is None:
            raise RateLimited(
                f"{rules.max_open} batches can be under way at the same time.",
                code="TOO_MANY_BATCHES",
                context={"limit_type": "open_batches", "limit": rules.max_open},
                retry_after_s=_FULL_RETRY_S,
            )
        return batch

    async def find(self, user_id: int, public_id: str) -> Batch:
        """Return a user's batch. Raises ResourceNotFound."""
        found = await self._store.find(user_id, public_id)
        if found is None:
            raise ResourceNotFound("There is no such batch.", code="BATCH_NOT_FOUND", param="batch_id")
        return found

    async def list_batches(self, user_id: int, *, after: str | None, limit: int) -> Sequence[Batch]:
        """Return a user's batches behind one of them, newest first. Raises ResourceNotFound when that is not there."""
        behind = None if after is None else (await self.find(user_id, after)).id
        return await self._store.list_batches(user_id, after=behind, limit=limit)

    async def cancel(self, user_id: int, public_id: str) -> Batch:
        """Begin no further line of a batch; a repeat changes nothing.

        Raises ResourceNotFound; Conflict when it is too late.
        """
        batch = await self.find(user_id, public_id)
        now = self._clock.now()
        moved = await self._store.move(batch.id, ("validating", "in_progress"), "cancelling", now)
        if moved is not None:
            return moved
        batch = await self.find(user_id, public_id)
        if batch.state not in ("cancelling", "cancelled"):
            raise Conflict(f"A batch that is {batch.state} cannot be cancelled.", code="BATCH_NOT_CANCELLABLE")
        return batch
