"""Claims of requests on SQL, by hand-written statements: one to claim, one to finish."""

from itertools import count
from re import sub
from typing import Final

from gatewayz.store.idempotency_records import Claimed, Earlier, Outcome, Run
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.statements import Statements

__all__ = ["SqlIdempotencyStore"]

_CLAIM: Final = (
    "INSERT INTO idempotency (user_id, key, fingerprint, state, run, expires_ms) VALUES (?, ?, ?, 'running', 1, ?)"
    " ON CONFLICT (user_id, key) DO UPDATE SET fingerprint = excluded.fingerprint, state = 'running',"
    " run = idempotency.run + 1, expires_ms = excluded.expires_ms, headers = NULL, body = NULL"
    " WHERE idempotency.state = 'released' OR idempotency.expires_ms <= ? RETURNING run"
)
_FIND: Final = "SELECT fingerprint, state, headers, body FROM idempotency WHERE user_id = ? AND key = ?"
_FINISH: Final = (
    "UPDATE idempotency SET state = ?, expires_ms = ?, headers = ?, body = ?"
    " WHERE user_id = ? AND key = ? AND run = ? AND state = 'running'"
)
_RENEW: Final = "UPDATE idempotency SET expires_ms = ? WHERE user_id = ? AND key = ? AND run = ? AND state = 'running'"
_FORGET: Final = "DELETE FROM idempotency WHERE expires_ms <= ? AND (state <> 'running' OR expires_ms <= ?)"


class SqlIdempotencyStore:
    """`gatewayz.domain.idempotency.idempotency.ClaimStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def claim(
        self, user_id: int, key: str, fingerprint: str, now_ms: int, expires_ms: int
    ) -> Claimed | Earlier | None:
        """Claim a key, or return what an earlier request made of it; None when that has just been forgotten."""

        def work(statements: Statements) -> Claimed | Earlier | None:
            taken = statements.rows(_marked(_CLAIM, statements), (user_id, key, fingerprint, expires_ms, now_ms))
            if taken:
                return Claimed(run=taken[0][0])
            found = statements.rows(_marked(_FIND, statements), (user_id, key))
            if not found:
                return None
            known, state, headers, body = found[0]
            return Earlier(fingerprint=known, state=state, headers=headers, body=body)

        return await self._database.run(work)

    async def finish(self, run: Run, outcome: Outcome) -> bool:
        """Note how a run ended; False when the claim has passed to a later run."""
        values = (outcome.state, outcome.expires_ms, outcome.headers, outcome.body)
        key = (run.user_id, run.key, run.number)
        return await self._database.run(lambda s: s.change(_marked(_FINISH, s), (*values, *key)) > 0)

    async def renew(self, run: Run, expires_ms: int) -> None:
        """Move the moment from which a run is taken to have crashed."""
        values = (expires_ms, run.user_id, run.key, run.number)
        await self._database.run(lambda s: s.change(_marked(_RENEW, s), values), durable=False)

    async def forget(self, ended_ms: int, running_ms: int) -> int:
        """Forget ends that expired before one moment and runs that expired before another; return how many."""
        return await self._database.run(lambda s: s.change(_marked(_FORGET, s), (ended_ms, running_ms)), durable=False)


def _marked(sql: str, statements: Statements) -> str:
    if statements.marks == "?":
        return sql
    numbers = count(1)
    return sub(r"\?", lambda _: f"${next(numbers)}", sql)
