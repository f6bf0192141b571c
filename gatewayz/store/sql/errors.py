"""The error monitor's rows on SQL."""

from collections.abc import Sequence
from typing import Final

import msgspec
from sqlalchemy import delete, select

from gatewayz.store.error_records import PatternRow
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.many_rows import insert_rows
from gatewayz.store.sql.tables.errors import error_patterns

__all__ = ["SqlErrorPatternStore"]

_COLUMNS: Final = PatternRow.__struct_fields__
_OVER: Final = (
    " ON CONFLICT (fingerprint) DO UPDATE SET count = t.count + excluded.count"
    ", first_ms = CASE WHEN excluded.first_ms < t.first_ms THEN excluded.first_ms ELSE t.first_ms END"
    ", facts = CASE WHEN excluded.last_ms >= t.last_ms THEN excluded.facts ELSE t.facts END"
    ", last_ms = CASE WHEN excluded.last_ms > t.last_ms THEN excluded.last_ms ELSE t.last_ms END"
)
_LAST: Final = error_patterns.c.last_ms


class SqlErrorPatternStore:
    """`gatewayz.store.error_records.ErrorPatternStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, rows: Sequence[PatternRow]) -> None:
        """Add counts to what is kept; the facts of the latest error stay."""
        ordered = sorted(rows, key=lambda row: row.fingerprint)  # two processes lock them in the same order
        values = [msgspec.structs.astuple(row) for row in ordered]
        await self._database.run(
            lambda s: insert_rows(s, "error_patterns AS t", _COLUMNS, values, _OVER), durable=False
        )

    async def list_patterns(self, *, since_ms: int, limit: int) -> Sequence[PatternRow]:
        """Return patterns seen at or after a moment, those seen last first."""
        order = (_LAST.desc(), error_patterns.c.fingerprint)
        statement = select(error_patterns).where(since_ms <= _LAST).order_by(*order).limit(limit)
        return await self._database.read(
            lambda session: [PatternRow(**row) for row in session.execute(statement).mappings()]
        )

    async def prune(self, before_ms: int, keep: int) -> int:
        """Forget patterns not seen since a moment, and all but `keep` of those seen last; return how many went."""
        fingerprint = error_patterns.c.fingerprint
        kept = select(fingerprint).order_by(_LAST.desc(), fingerprint).limit(keep)
        gone = delete(error_patterns).where((before_ms > _LAST) | fingerprint.not_in(kept)).returning(fingerprint)
        return await self._database.write(lambda session: len(session.execute(gone).all()), durable=False)
