"""Customers' webhooks on SQL: endpoints, and the outbox of deliveries."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    cast,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col

from gatewayz.sdk.money import usd_float
from gatewayz.store.incident_records import WHOLE
from gatewayz.store.moment_id import first_id
from gatewayz.store.notification_records import DEFAULT_THRESHOLD
from gatewayz.store.sql.conversations import row_as
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.incidents import incidents
from gatewayz.store.sql.tables.ledger import ledger_wallets
from gatewayz.store.sql.tables.notifications import notification_preferences, notifications_sent
from gatewayz.store.sql.tables.usage import usage_log
from gatewayz.store.sql.tables.webhooks import webhook_deliveries, webhook_endpoints
from gatewayz.store.webhook_records import (
    ALL_EVENTS,
    MAX_ENDPOINTS,
    Attempt,
    ClaimedDelivery,
    DegradedModel,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointChanges,
    EventType,
    NewEndpoint,
    NewEvent,
    event_of,
    milliseconds,
)

__all__ = ["SqlWebhookStore", "enqueue"]

_LATELY: Final = timedelta(days=1)
_ROUND: Final = 500
_D: Final = webhook_deliveries.c
_E: Final = webhook_endpoints.c
_SENT: Final = notifications_sent.c


_WALLET: Final = ledger_wallets.c
_OF_BALANCES: Final[tuple[EventType, ...]] = ("credits.low", "credits.depleted")


class _Crossings(NamedTuple):
    """Who is to be told of a balance, and who may be told again the next time."""

    type: EventType
    risen: Sequence[int]
    fallen: Sequence[Any]


class SqlWebhookStore:
    """`gatewayz.store.webhook_records.WebhookStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._insert: Any = sqlite.insert if database.dialect == "sqlite" else postgresql.insert

    async def add(self, user_id: int, endpoint: NewEndpoint, now: datetime) -> Endpoint | None:
        """Make an endpoint; None when the user has `MAX_ENDPOINTS` already."""
        count = select(func.count()).select_from(webhook_endpoints).where(_E.user_id == user_id)
        # On PostgreSQL two requests could both find room: the user's row is what they wait for.
        lock = select(col(UserRow.id)).where(col(UserRow.id) == user_id).with_for_update()

        def work(session: Session) -> Endpoint | None:
            session.execute(lock)
            if session.execute(count).scalar_one() >= MAX_ENDPOINTS:
                return None
            return _endpoint(session.execute(_made(user_id, endpoint, now)).mappings().one())

        return await self._database.write(work)

    async def find(self, user_id: int, endpoint_id: int) -> Endpoint | None:
        """Return one of a user's endpoints."""
        found = await self._endpoints(_own(user_id, endpoint_id))
        return found[0] if found else None

    async def list_endpoints(self, user_id: int) -> Sequence[Endpoint]:
        """Return a user's endpoints, oldest first."""
        return await self._endpoints((_E.user_id == user_id,))

    async def change(self, user_id: int, endpoint_id: int, changes: EndpointChanges, now: datetime) -> Endpoint | None:
        """Change one, None when there is none."""
        given = msgspec.structs.asdict(changes).items()
        values: dict[str, Any] = {name: value for name, value in given if value is not msgspec.UNSET}
        if "events" in values:
            values["events"] = _listed(values["events"])
        if values.get("is_active"):
            values |= {"disabled_reason": None, "failing_since_ms": None}
        return await self._change(_own(user_id, endpoint_id), {**values, "updated_at": now})

    async def rotate(
        self, user_id: int, endpoint_id: int, nonce: bytes, old_until_ms: int, now: datetime
    ) -> Endpoint | None:
        """Give one another secret; the one before signs too until it ends."""
        values = {"nonce": nonce, "old_nonce": _E.nonce, "old_until_ms": old_until_ms, "updated_at": now}
        return await self._change(_own(user_id, endpoint_id), values)

    async def delete(self, user_id: int, endpoint_id: int) -> bool:
        """Forget one and its deliveries; False when there is none."""
        return await self._database.write(lambda session: _forget(session, _own(user_id, endpoint_id)))

    async def set_of_preferences(self, user_id: int, endpoint: NewEndpoint | None, now: datetime) -> Endpoint | None:
        """Make, redirect or (None) forget the endpoint of the preferences; return it as it is then."""
        its_row = (_E.user_id == user_id, _E.is_of_preferences)
        lock = select(col(UserRow.id)).where(col(UserRow.id) == user_id).with_for_update()

        def work(session: Session) -> Endpoint | None:
            session.execute(lock)
            if endpoint is None:
                _forget(session, its_row)
                return None
            values = {"url": endpoint.url, "is_active": True, "disabled_reason": None, "failing_since_ms": None}
            kept = update(webhook_endpoints).where(*its_row).values(**values, updated_at=now)
            row = session.execute(kept.returning(webhook_endpoints)).mappings().one_or_none()
            return _endpoint(row or session.execute(_made(user_id, endpoint, now)).mappings().one())

        return await self._database.write(work)

    async def emit(self, event: NewEvent) -> int:
        """Write down deliveries to the active endpoints that listen; return how many are new."""
        return await self._database.write(lambda session: enqueue(session, self._insert, event))

    async def emit_new(self, events: Sequence[NewEvent]) -> int:
        """Write down those events of which no endpoint of their users has anything; return how many were told."""
        count = 0
        for begin in range(0, len(events), _ROUND):
            some = events[begin : begin + _ROUND]
            known = await self._known(some)
            new = [each for each in some if each.id not in known]
            if new:
                count += await self._emit_all(new)
        return count

    async def emit_to(self, user_id: int, endpoint_id: int, event: NewEvent) -> Delivery | None:
        """Write down a delivery to one endpoint whatever it listens to; None when there is none."""
        its_row = select(_E.id).where(*_own(user_id, endpoint_id)).with_for_update(read=True, key_share=True)

        def work(session: Session) -> Delivery | None:
            if session.execute(its_row).first() is None:
                return None
            values = _waiting(event) | {"endpoint_id": endpoint_id}
            made = insert(webhook_deliveries).values(**values).returning(webhook_deliveries)
            return row_as(Delivery, session.execute(made).mappings().one())

        return await self._database.write(work)

    async def list_deliveries(
        self, user_id: int, endpoint_id: int, *, state: DeliveryState | None, before: int | None, limit: int
    ) -> Sequence[Delivery]:
        """Return deliveries to a user's endpoint, newest first."""
        wanted = _delivered_to(user_id, endpoint_id)
        if state is not None:
            wanted = wanted.where(_D.state == state)
        if before is not None:
            wanted = wanted.where(_D.id < before)
        wanted = wanted.order_by(_D.id.desc()).limit(limit)
        return await self._database.read(
            lambda session: [row_as(Delivery, row) for row in session.execute(wanted).mappings()]
        )

    async def redeliver(
        self, user_id: int, endpoint_id: int, delivery_id: int, now_ms: int, expires_ms: int
    ) -> Delivery | None:
        """Make one due again; None when there is none."""
        its_row = (_D.id == delivery_id, _D.endpoint_id == endpoint_id, exists().where(*_own(user_id, endpoint_id)))
        again = update(webhook_deliveries).where(*its_row)
        again = again.values(state="waiting", next_ms=now_ms, expires_ms=expires_ms).returning(webhook_deliveries)

        def work(session: Session) -> Delivery | None:
            row = session.execute(again).mappings().one_or_none()
            return None if row is None else row_as(Delivery, row)

        return await self._database.write(work)

    async def claim(
        self,
        now_ms: int,
        *,
        limit: int,
        lease_ms: int,
        busy: Collection[int] = (),
        busy_users: Collection[int] = (),
    ) -> Sequence[ClaimedDelivery]:
        """Return what is due but for busy endpoints and users; for the length of the lease no other process gets it."""
        due = (
            select(webhook_deliveries)
            .join(webhook_endpoints, _E.id == _D.endpoint_id)
            .join(UserRow, col(UserRow.id) == _E.user_id)
            .where(_D.state == "waiting", _D.next_ms <= now_ms, _E.is_active, col(UserRow.is_active) == true())
            .where(_E.id.not_in(busy), _E.user_id.not_in(busy_users))
            .order_by(_D.next_ms, _D.id)
            .limit(limit)
            .with_for_update(of=webhook_deliveries, skip_locked=True)
        )

        def work(session: Session) -> list[ClaimedDelivery]:
            found = [row_as(Delivery, row) for row in session.execute(due).mappings()]
            if not found:
                return []
            taken = update(webhook_deliveries).where(_D.id.in_([each.id for each in found]))
            session.execute(taken.values(next_ms=now_ms + lease_ms))
            wanted = {each.endpoint_id for each in found}
            rows = session.execute(select(webhook_endpoints).where(_E.id.in_(wanted))).mappings()
            endpoints = {row["id"]: _endpoint(row) for row in rows}
            return [ClaimedDelivery(delivery=each, endpoint=endpoints[each.endpoint_id]) for each in found]

        return await self._database.write(work)

    async def finish(self, attempt: Attempt) -> None:
        """Write down what came of a try, and how the endpoint is."""
        tried = update(webhook_deliveries).where(_D.id == attempt.delivery_id)
        tried = tried.values(
            state=attempt.state,
            attempts=_D.attempts + 1,
            next_ms=attempt.next_ms,
            tried_ms=attempt.tried_ms,
            response_status=attempt.response_status,
            duration_ms=attempt.duration_ms,
            error=attempt.error,
        )
        endpoint = update(webhook_endpoints).where(_E.id == attempt.endpoint_id)
        if attempt.state == "delivered":
            # Nothing is written for an endpoint that is well already.
            endpoint = endpoint.where(_E.failing_since_ms.is_not(None)).values(failing_since_ms=None)
        elif attempt.disable is not None:
            endpoint = endpoint.values(is_active=False, disabled_reason=attempt.disable)
        else:
            endpoint = endpoint.where(_E.failing_since_ms.is_(None)).values(failing_since_ms=attempt.tried_ms)

        def work(session: Session) -> None:
            # The endpoint first, as `_forget` does: on PostgreSQL two orders would lock each other out.
            session.execute(endpoint)
            session.execute(tried)

        await self._database.write(work)

    async def prune(self, before_ms: int) -> None:
        """Forget deliveries made before a moment."""
        gone = delete(webhook_deliveries).where(_D.created_ms < before_ms)
        await self._database.write(lambda session: session.execute(gone), durable=False)

    async def list_listeners(self, type: EventType) -> frozenset[int]:
        """Return the users of active endpoints that listen to a type."""
        listening = select(_E.user_id).where(_E.is_active, _listens(type)).distinct()
        return await self._database.read(lambda session: frozenset(session.scalars(listening)))

    async def emit_balances(self, now: datetime) -> int:
        """Write down `credits.low` and `credits.depleted` for those concerned, once a crossing; return for how many."""

        def look(session: Session) -> list[_Crossings]:
            return [
                _Crossings(
                    type=type,
                    risen=session.scalars(_risen(type).limit(_ROUND)).all(),
                    fallen=session.execute(_fallen(type, now).limit(_ROUND)).all(),
                )
                for type in _OF_BALANCES
            ]

        # Mostly there is nothing, and SQLite's one writer is not to wait for the search.
        found = [each for each in await self._database.read(look) if each.risen or each.fallen]
        if not found:
            return 0
        return await self._database.write(lambda session: sum(self._tell(session, each, now) for each in found))

    async def list_degraded(self, now: datetime) -> Sequence[DegradedModel]:
        """Return outages under way of models that listeners used within a day."""
        begun = incidents.c.started_at >= now - timedelta(hours=1)
        under_way = select(incidents).where(incidents.c.resolved_at.is_(None), begun)
        listening = select(_E.user_id).where(_E.is_active, _listens("model.degraded"))
        used = select(usage_log.c.user_id, usage_log.c.model).distinct()
        used = used.where(usage_log.c.user_id.in_(listening), usage_log.c.id >= first_id(now - _LATELY))

        def work(session: Session) -> list[DegradedModel]:
            found = []
            for incident in session.execute(under_way.limit(_ROUND)).mappings():
                users = used.where(usage_log.c.provider == incident["provider"], usage_log.c.model.is_not(None))
                if incident["model"] != WHOLE:
                    users = users.where(usage_log.c.model == incident["model"])
                for row in session.execute(users).mappings():
                    found.append(
                        DegradedModel(
                            user_id=row["user_id"],
                            incident_id=incident["id"],
                            model=row["model"],
                            provider=incident["provider"],
                            severity=incident["severity"],
                            started_at=incident["started_at"],
                            error_code=incident["error_code"],
                        )
                    )
            return found

        return await self._database.read(work)

    async def _known(self, events: Sequence[NewEvent]) -> frozenset[str]:
        """Return the ids of those events that an endpoint of their users has."""
        known = select(_D.event_id).join(webhook_endpoints, _E.id == _D.endpoint_id)
        known = known.where(_E.user_id.in_({each.user_id for each in events}))
        known = known.where(_D.event_id.in_([each.id for each in events]))
        return await self._database.read(lambda session: frozenset(session.scalars(known)))

    async def _emit_all(self, events: Sequence[NewEvent]) -> int:
        return await self._database.write(
            lambda session: sum(enqueue(session, self._insert, each) > 0 for each in events)
        )

    def _tell(self, session: Session, crossings: "_Crossings", now: datetime) -> int:
        """Note crossings in the caller's transaction; return how many are told to somebody."""
        type, count = crossings.type, 0
        session.execute(delete(notifications_sent).where(_SENT.kind == type, _SENT.user_id.in_(crossings.risen)))
        for row in crossings.fallen:
            note = self._insert(notifications_sent).values(user_id=row.user_id, kind=type, covers=now)
            note = note.on_conflict_do_nothing().returning(_SENT.user_id)
            if session.execute(note).first() is None:
                continue  # another process was faster
            data = {"balance": usd_float(row.balance), "threshold": usd_float(row.threshold)}
            count += enqueue(session, self._insert, event_of(row.user_id, type, data, milliseconds(now))) > 0
        return count

    async def _endpoints(self, wanted: Sequence[ColumnElement[bool]]) -> list[Endpoint]:
        statement = select(webhook_endpoints).where(*wanted).order_by(_E.id)
        return await self._database.read(
            lambda session: [_endpoint(row) for row in session.execute(statement).mappings()]
        )

    async def _change(self, wanted: Sequence[ColumnElement[bool]], values: dict[str, Any]) -> Endpoint | None:
        statement = update(webhook_endpoints).where(*wanted).values(**values).returning(webhook_endpoints)

        def work(session: Session) -> Endpoint | None:
            row = session.execute(statement).mappings().one_or_none()
            return None if row is None else _endpoint(row)

        return await self._database.write(work)


def enqueue(session: Session, insert_into: Any, event: NewEvent) -> int:
    """Write deliveries of an event to those who listen, in the caller's transaction; return how many are new.

    :param insert_into: the dialect's `insert`.
    """
    fixed = _waiting(event)
    columns = {name: literal(value, _D[name].type) for name, value in fixed.items()}
    listening = select(_E.id, *columns.values()).where(_E.user_id == event.user_id, _E.is_active, _listens(event.type))
    # On PostgreSQL an endpoint that is being deleted is passed over: there would be nothing to refer to.
    listening = listening.with_for_update(read=True, key_share=True, skip_locked=True)
    made = insert_into(webhook_deliveries).from_select(["endpoint_id", *columns], listening).on_conflict_do_nothing()
    return len(session.execute(made.returning(_D.id)).all())


def _made(user_id: int, endpoint: NewEndpoint, now: datetime) -> Any:
    values = msgspec.structs.asdict(endpoint) | {"events": _listed(endpoint.events), "user_id": user_id}
    values |= {"is_active": True, "created_at": now, "updated_at": now}
    return insert(webhook_endpoints).values(**values).returning(webhook_endpoints)


def _forget(session: Session, wanted: Sequence[ColumnElement[bool]]) -> bool:
    ids = session.scalars(select(_E.id).where(*wanted).with_for_update()).all()
    session.execute(delete(webhook_deliveries).where(_D.endpoint_id.in_(ids)))
    session.execute(delete(webhook_endpoints).where(_E.id.in_(ids)))
    return bool(ids)


def _own(user_id: int, endpoint_id: int) -> tuple[ColumnElement[bool], ...]:
    return (_E.user_id == user_id, _E.id == endpoint_id)


def _delivered_to(user_id: int, endpoint_id: int) -> Select[Any]:
    return select(webhook_deliveries).where(_D.endpoint_id == endpoint_id, exists().where(*_own(user_id, endpoint_id)))


def _waiting(event: NewEvent) -> dict[str, Any]:
    return {
        "event_id": event.id,
        "type": event.type,
        "body": event.body,
        "state": "waiting",
        "attempts": 0,
        "created_ms": event.created_ms,
        "next_ms": event.created_ms,
        "expires_ms": event.expires_ms,
    }


def _listens(type: str) -> ColumnElement[bool]:
    return or_(_E.events == ALL_EVENTS, _E.events.contains(f",{type},", autoescape=True))


def _has_spent(user_id: ColumnElement[int], now: datetime) -> ColumnElement[bool]:
    """Return whether somebody spent anything within a day: who does not needs no warning."""
    u = usage_log.c
    return exists().where(u.user_id == user_id, u.id >= first_id(now - _LATELY), u.charged_nano > 0)


def _balance() -> ColumnElement[int]:
    return _WALLET.trial + _WALLET.allowance + _WALLET.purchased + _WALLET.held


def _threshold() -> ColumnElement[int]:
    """Return at which balance the owner of a wallet wants to be told."""
    chosen = select(notification_preferences.c.low_balance_threshold)
    chosen = chosen.where(notification_preferences.c.user_id == _WALLET.user_id)
    return func.coalesce(chosen.scalar_subquery(), cast(literal(DEFAULT_THRESHOLD), BigInteger))


def _risen(type: EventType) -> Select[Any]:
    """Who was told, and whose balance has since risen above what that was about."""
    line = _threshold() if type == "credits.low" else literal(0)
    wallet = exists().where(_WALLET.user_id == _SENT.user_id, _balance() > line)
    return select(_SENT.user_id).where(_SENT.kind == type, wallet)


def _fallen(type: EventType, now: datetime) -> Select[Any]:
    """Who listens, has spent something, and has not been told of the balance."""
    balance, threshold = _balance(), _threshold()
    is_so = (balance > 0) & (balance <= threshold) if type == "credits.low" else balance <= 0
    listening = select(_E.user_id).where(_E.is_active, _listens(type))
    told = exists().where(_SENT.user_id == _WALLET.user_id, _SENT.kind == type)
    due = select(_WALLET.user_id, balance.label("balance"), threshold.label("threshold"))
    return due.where(_WALLET.user_id.in_(listening), is_so, ~told, _has_spent(_WALLET.user_id, now))


def _listed(events: tuple[str, ...]) -> str:
    """Return types as the column has them: `*`, or `,credits.low,credits.added,`."""
    return ALL_EVENTS if ALL_EVENTS in events else f",{','.join(events)},"


def _endpoint(row: Any) -> Endpoint:
    events = tuple(each for each in row["events"].split(",") if each)
    return row_as(Endpoint, {**row, "events": events})
