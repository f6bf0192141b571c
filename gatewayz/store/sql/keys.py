"""API keys, what was done to them, and their re-encryption."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from gatewayz.sdk.errors import Conflict, RateLimited, ResourceNotFound
from gatewayz.store.records import ApiKey, AuditEntry, AuditFilter, KeyChanges, KeyQuota, NewKey, Sealed
from gatewayz.store.sql.database import Database, is_duplicate
from gatewayz.store.sql.feed import announce
from gatewayz.store.sql.tables.accounts import ApiKeyRow, KeyAuditRow, UserRow

__all__ = ["SqlKeyStore", "key_of"]


class SqlKeyStore:
    """`gatewayz.store.ports.KeyStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add_key(self, key: NewKey, actor: str, now: datetime, quota: KeyQuota | None = None) -> ApiKey:
        """Make a key. Raises Conflict (`key_name`) for a taken name, ResourceNotFound for an unknown user.

        Raises RateLimited when the actor has used up the quota.
        """

        def work(session: Session) -> ApiKey:
            # The lock makes two first keys of one user wait for each other.
            if session.get(UserRow, key.user_id, with_for_update=True) is None:
                raise ResourceNotFound("There is no such user.", code="USER_NOT_FOUND", param="user_id")
            if quota is not None:
                _check_quota(session, key.user_id, actor, now, quota)
            primary = select(ApiKeyRow.id).where(ApiKeyRow.user_id == key.user_id, col(ApiKeyRow.is_primary))
            row = ApiKeyRow(
                user_id=key.user_id,
                name=key.name,
                environment_tag=key.environment_tag,
                is_primary=session.exec(primary).one_or_none() is None,
                expires_at=key.expires_at,
                max_requests=key.max_requests,
                ip_allowlist=list(key.ip_allowlist),
                domain_referrers=list(key.domain_referrers),
                scopes=_plain(key.scopes),
                limits=dict(key.limits),
                created_at=now,
                updated_at=now,
                **msgspec.structs.asdict(key.sealed),
            )
            session.add(row)
            _flush(session)
            _audit(session, row, "create", actor, {"name": key.name})
            return key_of(row)

        return await self._database.write(work)

    async def find_key(self, user_id: int, key_id: int) -> ApiKey | None:
        """Return a user's key."""

        def work(session: Session) -> ApiKey | None:
            row = _owned(session, user_id, key_id)
            return None if row is None else key_of(row)

        return await self._database.read(work)

    async def list_keys(self, user_id: int, *, after: int = 0, limit: int = 100) -> Sequence[ApiKey]:
        """Return a user's keys with ids above `after`, in order of id."""

        def work(session: Session) -> list[ApiKey]:
            statement = (
                select(ApiKeyRow)
                .where(ApiKeyRow.user_id == user_id, col(ApiKeyRow.id) > after)
                .order_by(col(ApiKeyRow.id))
                .limit(limit)
            )
            return [key_of(row) for row in session.exec(statement)]

        return await self._database.read(work)

    async def update_key(
        self, user_id: int, key_id: int, changes: KeyChanges, *, action: str, actor: str, now: datetime
    ) -> ApiKey | None:
        """Change a key, None when the user has none by that id. Raises Conflict (`key_name`)."""
        values = {name: value for name, value in msgspec.structs.asdict(changes).items() if value is not UNSET}
        sealed: Sealed | None = values.pop("sealed", None)
        details = {name: _shown(value) for name, value in values.items()}
        if sealed is not None:
            values |= msgspec.structs.asdict(sealed)
        if "scopes" in values:
            values["scopes"] = _plain(values["scopes"])

        def work(session: Session) -> ApiKey | None:
            row = _owned(session, user_id, key_id, lock=True)
            if row is None:
                return None
            for name, value in values.items():
                setattr(row, name, list(value) if isinstance(value, tuple) else value)
            row.updated_at = now
            _flush(session)
            _audit(session, row, action, actor, details)
            announce(session, user_id, f"key {action}", now)
            return key_of(row)

        return await self._database.write(work)

    async def list_audit(
        self,
        user_id: int,
        *,
        before: int | None = None,
        limit: int = 100,
        wanted: AuditFilter | None = None,
    ) -> Sequence[AuditEntry]:
        """Return what was done to a user's keys, newest first, with ids below `before`."""
        wanted = wanted or AuditFilter()

        def work(session: Session) -> list[AuditEntry]:
            statement = select(KeyAuditRow).where(KeyAuditRow.user_id == user_id).order_by(col(KeyAuditRow.id).desc())
            if before is not None:
                statement = statement.where(col(KeyAuditRow.id) < before)
            if wanted.key_id is not None:
                statement = statement.where(KeyAuditRow.key_id == wanted.key_id)
            if wanted.action is not None:
                statement = statement.where(KeyAuditRow.action == wanted.action)
            if wanted.since is not None:
                statement = statement.where(col(KeyAuditRow.created_at) >= wanted.since)
            if wanted.until is not None:
                statement = statement.where(col(KeyAuditRow.created_at) < wanted.until)
            return [msgspec.convert(row.model_dump(), AuditEntry) for row in session.exec(statement.limit(limit))]

        return await self._database.read(work)

    async def count_audit(self, user_id: int) -> int:
        """Return how many entries a user has."""

        def work(session: Session) -> int:
            counted = select(func.count()).select_from(KeyAuditRow).where(KeyAuditRow.user_id == user_id)
            return session.exec(counted).one()

        return await self._database.read(work)

    async def list_sealed_before(self, version: int, *, after: int, limit: int) -> Sequence[tuple[int, Sealed]]:
        """Return (key id, sealed key) of keys encrypted by another version, ids above `after`, in order."""

        def work(session: Session) -> list[tuple[int, Sealed]]:
            statement = (
                select(ApiKeyRow)
                .where(ApiKeyRow.cipher_version != version, col(ApiKeyRow.id) > after)
                .order_by(col(ApiKeyRow.id))
                .limit(limit)
            )
            keys = (key_of(row) for row in session.exec(statement))
            return [(key.id, key.sealed) for key in keys]

        return await self._database.read(work)

    async def reseal(self, ciphertexts: Mapping[int, tuple[Sealed, Sealed]]) -> int:
        """Replace ciphertexts (key id to before, after) where they are still as before; return how many were."""

        def work(session: Session) -> int:
            replaced = 0
            for key_id, (before, after) in sorted(ciphertexts.items()):
                statement = (
                    update(ApiKeyRow)
                    .where(col(ApiKeyRow.id) == key_id, col(ApiKeyRow.ciphertext) == before.ciphertext)
                    .values(ciphertext=after.ciphertext, cipher_version=after.cipher_version)
                    .returning(col(ApiKeyRow.id))
                )
                replaced += len(session.scalars(statement).all())
            return replaced

        return await self._database.write(work)


def key_of(row: ApiKeyRow) -> ApiKey:
    """Return the record of a row that has been written."""
    assert row.id is not None  # noqa: S101  (the database gave it one)
    return ApiKey(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        environment_tag=row.environment_tag,
        sealed=Sealed(
            lookup_hash=row.lookup_hash,
            ciphertext=row.ciphertext,
            cipher_version=row.cipher_version,
            last_four=row.last_four,
        ),
        is_active=row.is_active,
        is_primary=row.is_primary,
        revoked_at=row.revoked_at,
        expires_at=row.expires_at,
        max_requests=row.max_requests,
        requests_used=row.requests_used,
        ip_allowlist=tuple(row.ip_allowlist),
        domain_referrers=tuple(row.domain_referrers),
        scopes={action: tuple(resources) for action, resources in row.scopes.items()},
        limits=dict(row.limits),
        created_at=row.created_at,
        updated_at=row.updated_at,
        last_used_at=row.last_used_at,
    )


def _owned(session: Session, user_id: int, key_id: int, *, lock: bool = False) -> ApiKeyRow | None:
    statement = select(ApiKeyRow).where(ApiKeyRow.id == key_id, ApiKeyRow.user_id == user_id)
    return session.exec(statement.with_for_update() if lock else statement).one_or_none()


def _check_quota(session: Session, user_id: int, actor: str, now: datetime, quota: KeyQuota) -> None:
    """Raise RateLimited when the actor has made as many keys as it may; the user's row is locked."""
    made = session.exec(
        select(KeyAuditRow.created_at)
        .where(
            KeyAuditRow.user_id == user_id,
            KeyAuditRow.actor == actor,
            KeyAuditRow.action == "create",
            col(KeyAuditRow.created_at) > quota.since,
        )
        .order_by(col(KeyAuditRow.created_at))
    ).all()
    if len(made) >= quota.count:
        wait_s = quota.window_s - (now - made[-quota.count]).total_seconds()
        raise RateLimited(
            f"At most {quota.count} keys can be made within an hour.",
            context={"limit_type": "key_creation", "limit": quota.count},
            retry_after_s=max(1.0, wait_s),
        )


def _audit(session: Session, row: ApiKeyRow, action: str, actor: str, details: Mapping[str, Any]) -> None:
    entry = KeyAuditRow(
        user_id=row.user_id,
        key_id=row.id,
        actor=actor,
        action=action,
        details=dict(details),
        created_at=row.updated_at,
    )
    session.add(entry)


def _plain(scopes: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    return {action: list(resources) for action, resources in scopes.items()}


def _shown(value: Any) -> Any:
    """Return a value as the audit keeps it."""
    return value.isoformat() if isinstance(value, datetime) else value


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as err:
        if not is_duplicate(err):
            raise
        raise Conflict("You have a key of this name already.", param="key_name") from err
