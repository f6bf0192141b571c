"""Models under maintenance on SQL."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from gatewayz.store.maintenance_records import MaintenanceEntry
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.maintenance import model_maintenance

__all__ = ["SqlMaintenanceStore"]


class SqlMaintenanceStore:
    """`gatewayz.domain.maintenance.maintenance.MaintenanceStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.dialect == "sqlite" else postgresql.insert

    async def announce(self, entry: MaintenanceEntry) -> None:
        """Add an announcement, in place of one for the same model."""
        values = msgspec.structs.asdict(entry)
        statement = self._insert(model_maintenance).values(values)
        statement = statement.on_conflict_do_update(index_elements=["model"], set_=values)
        await self._database.write(lambda session: session.execute(statement))

    async def take_back(self, model: str) -> bool:
        """Remove an announcement; False when there is none."""
        its_row = model_maintenance.c.model == model
        statement = delete(model_maintenance).where(its_row).returning(model_maintenance.c.model)
        return await self._database.write(lambda session: session.execute(statement).first() is not None)

    async def list_entries(self, now: datetime) -> Sequence[MaintenanceEntry]:
        """Return what has not ended."""
        ends_at = model_maintenance.c.until
        statement = select(model_maintenance).where(or_(ends_at.is_(None), ends_at > now))
        return await self._database.read(
            lambda session: [MaintenanceEntry(**row) for row in session.execute(statement).mappings()]
        )
