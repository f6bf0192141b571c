"""Books what was promised: at once when asked, and by a job what was left behind.

The promise is a row written in the same transaction as the redemption, trial or referral that earns
it; its key is the ledger's key, so that booking it again, from any process, changes nothing.
Source: docs/decisions/0120-grants-are-promised-then-booked.md.
"""

import asyncio
import logging
from typing import TYPE_CHECKING, Final

import msgspec

from gatewayz.domain.ledger.book import Parts
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.sdk.errors import RequestError, StoreUnavailable
from gatewayz.store.grant_records import Grant

if TYPE_CHECKING:
    from gatewayz.store.sql.grants import SqlGrantStore

__all__ = ["Grants"]

_ACTOR: Final = "system"
_PERIOD_S: Final = 5.0
_BATCH: Final = 100

_log = logging.getLogger("gatewayz.grants")


class Grants:
    """The service."""

    def __init__(self, store: "SqlGrantStore", ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger

    async def book(self, grant: Grant) -> Grant:
        """Return the grant, in the ledger. Raises StoreUnavailable; then the job books it later."""
        if grant.entry_id is not None:
            return grant
        parts = Parts(**{grant.account: grant.amount})
        moved = await self._ledger.deposit(
            grant.user_id,
            parts,
            kind=grant.kind,
            key=f"grant:{grant.key}",
            counter="promotions",
            actor=_ACTOR,
            details=grant.details,
        )
        await self._store.mark_booked(grant.id, entry_id=moved.entry_id, before=moved.before, after=moved.after)
        return msgspec.structs.replace(grant, entry_id=moved.entry_id, before=moved.before, after=moved.after)

    async def book_rest(self) -> int:
        """Book what a process that died, or a database that was away, left behind; return how many.

        A grant that the ledger refuses is reported and does not stop the others. Raises StoreUnavailable.
        """
        booked = after = 0
        while page := await self._store.list_unbooked(after, _BATCH):
            for grant in page:
                after = grant.id
                try:
                    await self.book(grant)
                except RequestError as err:
                    _log.error("grant %s of user %d cannot be booked: %s", grant.key, grant.user_id, err.message)
                else:
                    booked += 1
        return booked

    async def run(self) -> None:
        """Book what is left behind, for ever."""
        while True:
            try:
                await self.book_rest()
            except StoreUnavailable as err:
                _log.warning("promised credit is not booked yet: %s", err.message)
            await asyncio.sleep(_PERIOD_S)
