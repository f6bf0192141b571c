"""Files of users on SQL: what is known of them, and their content in chunks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, RowMapping, Update, delete, func, insert, or_, select, update
from sqlmodel import Session, col

from gatewayz.store.file_records import NewFile, StoredFile
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.tables.accounts import UserRow
from gatewayz.store.sql.tables.batches import file_chunks, files

__all__ = ["SqlFileStore", "make_ready"]

_CHUNKS_AT_ONCE: Final = 16
"""Deleted in one unit: 4 MiB."""


class SqlFileStore:
    """`gatewayz.domain.files.files.FileStore` on SQL."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, file: NewFile, now: datetime) -> StoredFile:
        """Keep an empty file that nobody sees yet."""
        values = {
            "public_id": file.public_id,
            "user_id": file.user_id,
            "filename": file.filename,
            "purpose": file.purpose,
            "bytes": 0,
            "is_ready": False,
            "created_at": now,
        }
        statement = insert(files).values(**values).returning(files)
        return await self._database.write(lambda session: _file(session.execute(statement).mappings().one()))

    async def append(self, file: StoredFile, number: int, data: bytes, max_user_bytes: int | None) -> bool:
        """Add content; False, with nothing added, where the owner's files would then hold more than is allowed."""
        grown = update(files).where(files.c.id == file.id).values(bytes=files.c.bytes + len(data))

        def work(session: Session) -> bool:
            if max_user_bytes is not None and _held(session, file.user_id) + len(data) > max_user_bytes:
                return False
            session.execute(insert(file_chunks).values(file_id=file.id, number=number, data=data))
            session.execute(grown)
            return True

        return await self._database.write(work, durable=False)

    async def finish(self, file: StoredFile, expires_at: datetime | None) -> StoredFile:
        """Show a file to its owner."""
        values = {"is_ready": True, "expires_at": expires_at}
        # One that is being forgotten has expired: it must not appear with a part of its content.
        unfinished = files.c.id == file.id, files.c.expires_at.is_(None)
        statement = update(files).where(*unfinished).values(**values).returning(files)
        return await self._database.write(lambda session: _file(session.execute(statement).mappings().one()))

    async def discard(self, file: StoredFile) -> None:
        """Forget a file that was not finished."""
        await self._forget(file.id)

    async def find(self, user_id: int, public_id: str, now: datetime) -> StoredFile | None:
        """Return a user's file."""
        statement = select(files).where(*_visible(user_id, now), files.c.public_id == public_id)

        def work(session: Session) -> StoredFile | None:
            row = session.execute(statement).mappings().one_or_none()
            return None if row is None else _file(row)

        return await self._database.read(work)

    async def list_files(
        self, user_id: int, now: datetime, *, after: int | None, limit: int, is_newest_first: bool, purpose: str | None
    ) -> Sequence[StoredFile]:
        """Return a user's files behind the one with an id, in order of their making."""
        wanted = list(_visible(user_id, now))
        if purpose is not None:
            wanted.append(files.c.purpose == purpose)
        if after is not None:
            wanted.append(files.c.id < after if is_newest_first else files.c.id > after)
        order = files.c.id.desc() if is_newest_first else files.c.id
        statement = select(files).where(*wanted).order_by(order).limit(limit)
        return await self._database.read(lambda session: [_file(row) for row in session.execute(statement).mappings()])

    async def remove(self, user_id: int, public_id: str, now: datetime) -> bool:
        """Forget a user's file; False when there is none."""
        its_row = (*_visible(user_id, now), files.c.public_id == public_id)
        statement = _expired(*its_row).returning(files.c.id)
        found = await self._database.write(lambda session: session.execute(statement).scalar_one_or_none())
        if found is None:
            return False
        await self._remove(found)
        return True

    async def read_chunk(self, file_id: int, number: int) -> bytes | None:
        """Return a piece of the content, None behind the last one or when the file is gone."""
        statement = select(file_chunks.c.data).where(file_chunks.c.file_id == file_id, file_chunks.c.number == number)
        return await self._database.read(lambda session: session.execute(statement).scalar_one_or_none())

    async def prune(self, now: datetime, unfinished_before: datetime, limit: int) -> int:
        """Forget files that have expired and those whose content stopped coming; return how many."""
        is_over = or_(files.c.expires_at <= now, ~files.c.is_ready & (files.c.created_at < unfinished_before))
        statement = select(files.c.id).where(is_over).order_by(files.c.id).limit(limit)
        found = await self._database.read(lambda session: list(session.execute(statement).scalars()))
        for file_id in found:
            await self._forget(file_id)
        return len(found)

    async def _forget(self, file_id: int) -> None:
        gone = _expired(files.c.id == file_id)
        await self._database.write(lambda session: session.execute(gone), durable=False)
        await self._remove(file_id)

    async def _remove(self, file_id: int) -> None:
        """Delete a file that has expired, a few chunks a unit: holds and charges go on in between.

        What is left where this breaks off is pruned.
        """
        number = file_chunks.c.number
        first = select(number).where(file_chunks.c.file_id == file_id).order_by(number).limit(_CHUNKS_AT_ONCE)
        some = delete(file_chunks).where(file_chunks.c.file_id == file_id, number.in_(first))

        def work(session: Session) -> bool:
            if session.connection().execute(some).rowcount == _CHUNKS_AT_ONCE:
                return False
            session.execute(delete(files).where(files.c.id == file_id))
            return True

        while not await self._database.write(work, durable=False):
            pass


def make_ready(session: Session, public_id: str, expires_at: datetime | None) -> None:
    """Show a file to its owner, within a unit of work."""
    unfinished = files.c.public_id == public_id, files.c.expires_at.is_(None)
    shown = update(files).where(*unfinished).values(is_ready=True, expires_at=expires_at)
    session.execute(shown)


def _held(session: Session, user_id: int) -> int:
    """Return the bytes a user's files hold; other uploads of the user wait until this unit is over."""
    owner = select(col(UserRow.id)).where(col(UserRow.id) == user_id)
    session.execute(owner.with_for_update(key_share=True))
    held = select(func.coalesce(func.sum(files.c.bytes), 0)).where(files.c.user_id == user_id)
    return int(session.execute(held).scalar_one())


def _expired(*wanted: ColumnElement[bool]) -> Update:
    """Return an update that hides files, and has them pruned if their deletion breaks off."""
    return update(files).where(*wanted).values(is_ready=False, expires_at=files.c.created_at)


def _visible(user_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    is_kept = or_(files.c.expires_at.is_(None), files.c.expires_at > now)
    return files.c.user_id == user_id, files.c.is_ready, is_kept


def _file(row: RowMapping) -> StoredFile:
    return StoredFile(**row)
