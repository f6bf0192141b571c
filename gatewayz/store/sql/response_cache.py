"""`gatewayz.store.cache_records.CacheStore` on SQL."""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, update
from sqlmodel import Session, col, select

from gatewayz.store.cache_records import CachedModel, CacheTotals
from gatewayz.store.moment_id import first_id
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.accounts import RevisionRow
from gatewayz.store.sql.tables.usage import usage_log

__all__ = ["SqlCacheStore"]

_C: Final = usage_log.c
_HIT: Final = _C.cache == "hit"
_NAME: Final = "response_cache"


class SqlCacheStore:
    """The usage log holds what the cache did: the partial index on those rows is all that is read."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def generation(self) -> int:
        """Return how often the cache was cleared."""
        return await self._database.read(_generation)

    async def clear(self) -> int:
        """Note that it is cleared; return the new generation."""

        def work(session: Session) -> int:
            row = update(RevisionRow).where(col(RevisionRow.name) == _NAME)
            session.execute(row.values(value=RevisionRow.value + 1))
            return _generation(session)

        return await self._database.write(work, durable=False)

    async def totals(self, *, user_id: int | None, since: datetime | None, models: int) -> CacheTotals:
        """Return what the calls of one user, or everybody's, found since a moment."""
        asked: list[ColumnElement[bool]] = [_C.cache.is_not(None)]
        if user_id is not None:
            asked.append(_C.user_id == user_id)
        if since is not None:
            asked.append(_C.id >= first_id(since))
        saved = func.coalesce(func.sum(_C.saved_nano), 0)
        sums = select(func.count().filter(_HIT), func.count().filter(~_HIT), saved).where(*asked)
        best = (
            select(_C.model, func.count(), saved)
            .where(*asked, _HIT)
            .group_by(_C.model)
            .order_by(func.count().desc(), _C.model)
            .limit(models)
        )

        def work(session: Session) -> CacheTotals:
            hits, misses, total = session.execute(sums).one()
            found = session.execute(best) if models and hits else ()
            shown = [CachedModel(model=name, hits=count, saved=int(amount)) for name, count, amount in found]
            return CacheTotals(hits=hits, misses=misses, saved=int(total), models=shown)

        return await self._database.read(work)


def _generation(session: Session) -> int:
    return session.exec(select(RevisionRow.value).where(RevisionRow.name == _NAME)).one()
