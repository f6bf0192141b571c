"""Who was given which plan: the history, and the plan in force on the user's own row."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlmodel import Session

from gatewayz.store.plan_records import PlanAssignment
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.feed import announce
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.promotions import plan_assignments

__all__ = ["SqlPlanStore"]


class SqlPlanStore:
    """Plan assignments on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def assign(
        self, user_id: int, plan: str, *, ends_at: datetime | None, assigned_by: str, now: datetime
    ) -> PlanAssignment | None:
        """Put a plan in force and write the history; every process knows within a second. None for no such user."""
        values = {
            "user_id": user_id,
            "plan": plan,
            "starts_at": now,
            "ends_at": ends_at,
            "assigned_by": assigned_by,
        }

        def work(session: Session) -> PlanAssignment | None:
            user = session.get(UserRow, user_id, with_for_update=True)
            if user is None:
                return None
            user.plan, user.plan_ends_at, user.updated_at = plan, ends_at, now
            announce(session, user_id, "plan assigned", now)
            row = session.execute(insert(plan_assignments).values(**values).returning(plan_assignments))
            return PlanAssignment(**row.mappings().one())

        return await self._database.write(work)

    async def list_assignments(self, user_id: int, limit: int) -> Sequence[PlanAssignment]:
        """Return the plans a user was given, newest first."""
        statement = (
            select(plan_assignments)
            .where(plan_assignments.c.user_id == user_id)
            .order_by(plan_assignments.c.id.desc())
            .limit(limit)
        )

        def work(session: Session) -> list[PlanAssignment]:
            return [PlanAssignment(**row) for row in session.execute(statement).mappings()]

        return await self._database.read(work)
