"""Payments, the inbox of events, and subscriptions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from gatewayz.store.payment_records import InboxEvent, NewPayment, Payment, Subscription
from gatewayz.store.sql.database import Database, is_duplicate
from gatewayz.store.sql.tables.payments import payment_events, payments, subscriptions

__all__ = ["SqlPaymentStore"]

_P = payments.c
_E = payment_events.c
_S = subscriptions.c
_PAYMENT = [_P[name] for name in Payment.__struct_fields__]
_SUBSCRIPTION = [_S[name] for name in Subscription.__struct_fields__]


class SqlPaymentStore:
    """Reads and writes; rows of a user are asked for by their owner, but where an event names a payment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, payment: NewPayment, now: datetime) -> int:
        """Make a pending payment; return its id."""
        values = {**msgspec.structs.asdict(payment), "metadata": dict(payment.metadata)}
        statement = payments.insert().values(**values, status="pending", created_at=now).returning(_P.id)

        def work(session: Session) -> int:
            made: int = session.execute(statement).scalar_one()
            return made

        return await self._database.write(work)

    async def update(self, payment_id: int, **values: Any) -> None:
        """Change columns of a payment."""
        statement = payments.update().where(_P.id == payment_id).values(**values)
        await self._database.write(lambda session: session.execute(statement))

    async def find(self, payment_id: int, *, user_id: int | None = None) -> Payment | None:
        """Return a payment, of a user where one is given."""
        statement = select(*_PAYMENT).where(_P.id == payment_id)
        return await self._one(statement if user_id is None else statement.where(_P.user_id == user_id))

    async def find_by_session(self, session_id: str, *, user_id: int | None = None) -> Payment | None:
        """Return the payment of a payment page."""
        statement = select(*_PAYMENT).where(_P.session_id == session_id)
        return await self._one(statement if user_id is None else statement.where(_P.user_id == user_id))

    async def find_by_intent(self, intent_id: str, *, user_id: int | None = None) -> Payment | None:
        """Return the payment with the processor's id."""
        statement = select(*_PAYMENT).where(_P.intent_id == intent_id)
        return await self._one(statement if user_id is None else statement.where(_P.user_id == user_id))

    async def list_payments(self, user_id: int, *, limit: int, offset: int) -> tuple[Sequence[Payment], int]:
        """Return a user's payments, newest first, and how many there are."""
        page = select(*_PAYMENT).where(_P.user_id == user_id).order_by(_P.id.desc()).limit(limit).offset(offset)
        count = select(func.count()).select_from(payments).where(_P.user_id == user_id)

        def work(session: Session) -> tuple[list[Payment], int]:
            return [Payment(**row._mapping) for row in session.execute(page)], session.execute(count).scalar_one()

        return await self._database.read(work)

    async def store_event(self, event: InboxEvent, now: datetime) -> bool:
        """Keep a verified event; return False when it is here already."""
        row = {**msgspec.structs.asdict(event), "state": "waiting", "next_at": now, "received_at": now}

        def work(session: Session) -> bool:
            try:
                with session.begin_nested():
                    session.execute(payment_events.insert().values(**row))
            except IntegrityError as err:
                if not is_duplicate(err):
                    raise
                return False
            return True

        return await self._database.write(work)

    async def claim_events(self, now: datetime, *, limit: int, lease: timedelta) -> Sequence[InboxEvent]:
        """Return events that are due; for the length of the lease no other process gets them."""
        due = select(_E.id, _E.type, _E.body, _E.attempts).where(_E.state == "waiting", _E.next_at <= now)
        due = due.order_by(_E.next_at, _E.id).limit(limit).with_for_update(skip_locked=True)

        def work(session: Session) -> list[InboxEvent]:
            found = [InboxEvent(**row._mapping) for row in session.execute(due)]
            if found:
                ids = [event.id for event in found]
                session.execute(payment_events.update().where(_E.id.in_(ids)).values(next_at=now + lease))
            return found

        return await self._database.write(work)

    async def claim_event(self, event_id: str, now: datetime, *, lease: timedelta) -> bool:
        """Take one event that waits; return False when another process has it, or it is done."""
        statement = (
            payment_events.update()
            .where(_E.id == event_id, _E.state == "waiting", _E.next_at <= now)
            .values(next_at=now + lease)
            .returning(_E.id)
        )
        return await self._database.write(lambda session: session.execute(statement).one_or_none() is not None)

    async def finish_event(self, event_id: str, state: str, now: datetime, error: str | None = None) -> None:
        """Note the end of an event: `done` or `given_up`."""
        values = {"state": state, "processed_at": now, "error": error, "attempts": _E.attempts + 1}
        statement = payment_events.update().where(_E.id == event_id).values(**values)
        await self._database.write(lambda session: session.execute(statement))

    async def put_off_event(self, event_id: str, next_at: datetime, error: str) -> None:
        """Note that an event could not be processed, and when to try again."""
        values = {"next_at": next_at, "error": error, "attempts": _E.attempts + 1}
        statement = payment_events.update().where(_E.id == event_id).values(**values)
        await self._database.write(lambda session: session.execute(statement))

    async def find_subscription(self, user_id: int) -> Subscription | None:
        """Return a user's subscription."""
        return await self._subscription(select(*_SUBSCRIPTION).where(_S.user_id == user_id))

    async def find_subscription_by_id(self, subscription_id: str) -> Subscription | None:
        """Return the subscription with the processor's id."""
        return await self._subscription(select(*_SUBSCRIPTION).where(_S.subscription_id == subscription_id))

    async def save_subscription(self, subscription: Subscription, now: datetime) -> bool:
        """Take over a subscription; return False when what is known of it is newer."""
        values = {**msgspec.structs.asdict(subscription), "updated_at": now}
        known = select(_S.subscription_id, _S.as_of).where(_S.user_id == subscription.user_id).with_for_update()

        def work(session: Session) -> bool:
            found = session.execute(known).one_or_none()
            if found is None:
                session.execute(subscriptions.insert().values(**values))
                return True
            if found.as_of > subscription.as_of:
                return False
            session.execute(subscriptions.update().where(_S.user_id == subscription.user_id).values(**values))
            return True

        return await self._database.write(work)

    async def _one(self, statement: Any) -> Payment | None:
        def work(session: Session) -> Payment | None:
            row = session.execute(statement).one_or_none()
            return None if row is None else Payment(**row._mapping)

        return await self._database.read(work)

    async def _subscription(self, statement: Any) -> Subscription | None:
        def work(session: Session) -> Subscription | None:
            row = session.execute(statement).one_or_none()
            return None if row is None else Subscription(**row._mapping)

        return await self._database.read(work)
