"""Readings of health checks on SQL."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite

from gatewayz.store.health_records import ComponentReading
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.health import health_readings

__all__ = ["SqlHealthStore"]

_KEY = ("name", "place")


class SqlHealthStore:
    """`gatewayz.domain.health.checks.ReadingStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.dialect == "sqlite" else postgresql.insert

    async def keep(self, reading: ComponentReading) -> None:
        """Keep a reading in place of the one before."""
        values = msgspec.structs.asdict(reading)
        statement = self._insert(health_readings).values(values)
        changes = {name: value for name, value in values.items() if name not in _KEY}
        statement = statement.on_conflict_do_update(index_elements=list(_KEY), set_=changes)
        await self._database.write(lambda session: session.execute(statement), durable=False)

    async def list_readings(self) -> Sequence[ComponentReading]:
        """Return the newest reading of every check, by name and place."""
        statement = select(health_readings).order_by(health_readings.c.name, health_readings.c.place)
        return await self._database.read(
            lambda session: [ComponentReading(**row) for row in session.execute(statement).mappings()]
        )
