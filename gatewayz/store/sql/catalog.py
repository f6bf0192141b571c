"""What providers list, on SQL. Rows are written when they change; one counter moves with every change."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
from sqlalchemy import case, delete, func, insert, select, update
from sqlmodel import Session, col

from gatewayz.store.catalog_records import Kind, Listed, ListedModel, ProviderList, SyncRun, SyncTotals
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.accounts import RevisionRow
from gatewayz.store.sql.tables.catalog import catalog_listings, catalog_lists, catalog_runs

__all__ = ["SqlCatalogStore"]

RUNS_KEPT: Final = 10_000
_REVISION: Final = "catalog"
_ROW: Final = catalog_listings.c


class SqlCatalogStore:
    """`gatewayz.domain.catalog_sync.sync.CatalogStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def revision(self) -> int:
        """Return a number that grows with every change of a listing."""
        statement = select(col(RevisionRow.value)).where(col(RevisionRow.name) == _REVISION)
        return await self._database.read(lambda session: session.scalars(statement).one())

    async def listings(self) -> tuple[int, Sequence[ListedModel]]:
        """Return the revision and every listing, by provider and own id."""
        statement = select(catalog_listings).order_by(_ROW.provider, _ROW.native)
        newest = select(col(RevisionRow.value)).where(col(RevisionRow.name) == _REVISION)

        def work(session: Session) -> tuple[int, Sequence[ListedModel]]:
            return session.scalars(newest).one(), [_listed(row) for row in session.execute(statement).mappings()]

        return await self._database.read(work)

    async def lists(self) -> Sequence[ProviderList]:
        """Return how it stands with each provider that was ever asked, by name."""
        statement = select(catalog_lists).order_by(catalog_lists.c.provider)
        return await self._database.read(
            lambda session: [ProviderList(**row) for row in session.execute(statement).mappings()]
        )

    async def keep_list(self, found: ProviderList, models: Sequence[ListedModel], *, gone_after: int) -> int:
        """Keep a list that was read well; return how many rows changed.

        :param gone_after: how many lists in a row a model must be missing from to become inactive.
        """

        def work(session: Session) -> int:
            changed = _write_rows(session, found, models, gone_after)
            _write_list(session, found.provider, msgspec.structs.asdict(found))
            if changed:
                _announce(session)
            return changed

        return await self._database.write(work, durable=False)

    async def note_failure(self, provider: str, at: datetime, error: str, duration_s: float) -> None:
        """Note that a list could not be read; the last good one stays."""
        values = {"last_run_at": at, "last_error": error[:500], "duration_s": duration_s}
        await self._database.write(lambda session: _write_list(session, provider, values), durable=False)

    async def forget(self, *, lists: bool = False) -> int:
        """Forget every listing, and with `lists` that providers were asked; return how many listings."""
        rows, heads = delete(catalog_listings).returning(_ROW.native), delete(catalog_lists)

        def work(session: Session) -> int:
            gone = len(session.scalars(rows).all())
            if lists:
                session.execute(heads)
            _announce(session)
            return gone

        return await self._database.write(work, durable=False)

    async def announce(self) -> None:
        """Make every process read the listings again."""
        await self._database.write(_announce, durable=False)

    async def begin_run(self, kind: Kind, at: datetime, providers: int) -> int:
        """Note that a run begins; return its id."""
        values = {"kind": kind, "started_at": at, "providers": providers, "done": 0, "failed": 0, "changed": 0}
        statement = insert(catalog_runs).values(values).returning(catalog_runs.c.id)

        def work(session: Session) -> int:
            run_id: int = session.scalars(statement).one()
            session.execute(delete(catalog_runs).where(catalog_runs.c.id <= run_id - RUNS_KEPT))
            return run_id

        return await self._database.write(work, durable=False)

    async def note_progress(self, run_id: int, *, failed: bool, changed: int) -> None:
        """Count a provider that was asked."""
        row = catalog_runs.c
        values = {"done": row.done + 1, "failed": row.failed + int(failed), "changed": row.changed + changed}
        await self._change_run(run_id, values)

    async def end_run(self, run_id: int, at: datetime, error: str | None) -> None:
        """Note that a run has ended."""
        await self._change_run(run_id, {"ended_at": at, "error": None if error is None else error[:500]})

    async def runs(self, limit: int) -> Sequence[SyncRun]:
        """Return runs, the newest first."""
        statement = select(catalog_runs).order_by(catalog_runs.c.id.desc()).limit(limit)
        return await self._database.read(
            lambda session: [SyncRun(**row) for row in session.execute(statement).mappings()]
        )

    async def totals(self) -> SyncTotals:
        """Return how many runs ended how."""
        row = catalog_runs.c
        went_well = row.error.is_(None) & (row.failed == 0)
        statement = select(
            func.count(), func.sum(case((went_well, 1), else_=0)), func.sum(case((~went_well, 1), else_=0))
        ).where(row.ended_at.is_not(None))

        def work(session: Session) -> SyncTotals:
            runs, successful, failed = session.execute(statement).one()
            return SyncTotals(runs=runs, successful=successful or 0, failed=failed or 0)

        return await self._database.read(work)

    async def _change_run(self, run_id: int, values: Mapping[str, Any]) -> None:
        statement = update(catalog_runs).where(catalog_runs.c.id == run_id).values(values)
        await self._database.write(lambda session: session.execute(statement), durable=False)


def _write_rows(session: Session, found: ProviderList, models: Sequence[ListedModel], gone_after: int) -> int:
    """Write what differs from the rows there are; return how many that is, first misses not counted."""
    provider, now = found.provider, found.last_run_at
    known = {row["native"]: row for row in session.execute(_rows_of(provider)).mappings()}
    changed = 0
    for model in models:
        facts = msgspec.json.encode(model.facts).decode()
        digest = _hash(model)
        row = known.pop(model.native, None)
        values: dict[str, Any] = {"model": model.model, "state": model.state, "facts": facts, "hash": digest}
        values |= {"is_active": True, "misses": 0, "changed_at": now}
        if row is None:
            session.execute(insert(catalog_listings).values(provider=provider, native=model.native, **values))
        elif row["hash"] != digest or not row["is_active"]:
            session.execute(_change(provider, model.native, values))
        else:
            if row["misses"]:
                session.execute(_change(provider, model.native, {"misses": 0}))
            continue
        changed += 1
    for native, row in known.items():
        misses = row["misses"] + 1
        if row["is_active"] and misses >= gone_after:
            session.execute(_change(provider, native, {"misses": misses, "is_active": False, "changed_at": now}))
            changed += 1
        elif row["is_active"]:
            session.execute(_change(provider, native, {"misses": misses}))
    return changed


def _rows_of(provider: str) -> Any:
    return select(_ROW.native, _ROW.hash, _ROW.is_active, _ROW.misses).where(_ROW.provider == provider)


def _change(provider: str, native: str, values: Mapping[str, Any]) -> Any:
    return update(catalog_listings).where(_ROW.provider == provider, _ROW.native == native).values(values)


def _write_list(session: Session, provider: str, values: Mapping[str, Any]) -> None:
    known = {name: value for name, value in values.items() if name != "provider"}
    changed = session.connection().execute(
        update(catalog_lists).where(catalog_lists.c.provider == provider).values(known)
    )
    if not changed.rowcount:
        counts = dict.fromkeys(("listed", "priced", "confirmed", "unpriced", "refused"), 0)
        session.execute(insert(catalog_lists).values({**counts, **known, "provider": provider}))


def _announce(session: Session) -> None:
    session.execute(update(RevisionRow).where(col(RevisionRow.name) == _REVISION).values(value=RevisionRow.value + 1))


def _hash(model: ListedModel) -> str:
    """Return what changes with the content; the day a price was read is none of it."""
    facts = model.facts
    if facts.price is not None:
        facts = msgspec.structs.replace(facts, price=msgspec.structs.replace(facts.price, date=""))
    content = msgspec.json.encode((model.model, model.state, facts))
    return blake2b(content, digest_size=16).hexdigest()


def _listed(row: Mapping[str, Any] | Any) -> ListedModel:
    return ListedModel(
        provider=row["provider"],
        native=row["native"],
        model=row["model"],
        state=row["state"],
        facts=msgspec.json.decode(row["facts"], type=Listed),
        is_active=row["is_active"],
    )
