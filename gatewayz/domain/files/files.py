"""Files of users: taken in pieces, kept in the store, given out in pieces.

Nobody sees a file before all of it has come. Somebody else's file answers like a missing one.
Source: docs/decisions/0189-file-content-is-in-the-database.md.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Final, Protocol

from gatewayz.config.sections.batches import Files as FileRules
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import BodyTooLarge, InvalidRequest, RateLimited, ResourceNotFound, ServerOverloaded
from gatewayz.store.file_records import NewFile, StoredFile

__all__ = ["BATCH_INPUT", "BATCH_OUTPUT", "FileStore", "FileWriter", "Files"]

BATCH_INPUT: Final = "batch"
BATCH_OUTPUT: Final = "batch_output"
_CHUNK_BYTES: Final = 256 * 1024
"""Of one row: a few milliseconds of the one writer that SQLite has."""
_UPLOAD: Final = timedelta(hours=1)
"""A file whose content is not there after so long will never be."""
_PRUNED_AT_ONCE: Final = 20
_NAME_CHARACTERS: Final = 255
_FULL_RETRY_S: Final = 10.0


class FileStore(Protocol):
    """What is needed of the store. Every method raises StoreUnavailable."""

    async def begin(self, file: NewFile, now: datetime) -> StoredFile:
        """Keep an empty file that nobody sees yet."""
        ...

    async def append(self, file: StoredFile, number: int, data: bytes, max_user_bytes: int | None) -> bool:
        """Add content; False, with nothing added, where the owner's files would then hold more than is allowed."""
        ...

    async def finish(self, file: StoredFile, expires_at: datetime | None) -> StoredFile:
        """Show a file to its owner."""
        ...

    async def discard(self, file: StoredFile) -> None:
        """Forget a file that was not finished."""
        ...

    async def find(self, user_id: int, public_id: str, now: datetime) -> StoredFile | None:
        """Return a user's file."""
        ...

    async def list_files(
        self, user_id: int, now: datetime, *, after: int | None, limit: int, is_newest_first: bool, purpose: str | None
    ) -> Sequence[StoredFile]:
        """Return a user's files behind the one with an id, in order of their making."""
        ...

    async def remove(self, user_id: int, public_id: str, now: datetime) -> bool:
        """Forget a user's file; False when there is none."""
        ...

    async def read_chunk(self, file_id: int, number: int) -> bytes | None:
        """Return a piece of the content, None behind the last one or when the file is gone."""
        ...

    async def prune(self, now: datetime, unfinished_before: datetime, limit: int) -> int:
        """Forget files that have expired and those whose content stopped coming; return how many."""
        ...


class FileWriter:
    """A file that is coming in. Ends by `finish` or by `discard`.

    :param max_bytes: of the file; None is no bound.
    :param max_user_bytes: of all files of the owner; likewise.
    """

    def __init__(self, store: FileStore, file: StoredFile, max_bytes: int | None, max_user_bytes: int | None) -> None:
        self._store = store
        self._file = file
        self._max_bytes = max_bytes
        self._max_user_bytes = max_user_bytes
        self._waiting = bytearray()
        self._chunks = 0
        self.bytes = 0
        """Taken so far."""

    @property
    def public_id(self) -> str:
        """What the owner will call it."""
        return self._file.public_id

    async def write(self, data: bytes) -> None:
        """Take more content. Raises BodyTooLarge, InvalidRequest (no room for this user), StoreUnavailable."""
        self.bytes += len(data)
        if self._max_bytes is not None and self.bytes > self._max_bytes:
            raise BodyTooLarge(
                f"A file may have {self._max_bytes} bytes.", param="file", context={"max_value": self._max_bytes}
            )
        self._waiting += data
        while len(self._waiting) >= _CHUNK_BYTES:
            await self._append(bytes(self._waiting[:_CHUNK_BYTES]))
            del self._waiting[:_CHUNK_BYTES]

    async def flush(self) -> None:
        """Bring all that was taken to the store. Raises as `write`."""
        if self._waiting:
            await self._append(bytes(self._waiting))
            self._waiting.clear()

    async def finish(self, expires_at: datetime | None) -> StoredFile:
        """Show the file to its owner. Raises as `write`."""
        await self.flush()
        return await self._store.finish(self._file, expires_at)

    async def discard(self) -> None:
        """Forget what has come."""
        await self._store.discard(self._file)

    async def _append(self, data: bytes) -> None:
        if not await self._store.append(self._file, self._chunks, data, self._max_user_bytes):
            raise InvalidRequest(
                f"Your files may have {self._max_user_bytes} bytes together.",
                code="FILE_STORAGE_FULL",
                param="file",
                suggestions=("Delete files that are not needed any more.",),
            )
        self._chunks += 1


class Files:
    """The service.

    :param rules_of: gives the rules in force.
    """

    def __init__(self, store: FileStore, clock: Clock, rules_of: Callable[[], FileRules]) -> None:
        self._store = store
        self._clock = clock
        self._rules_of = rules_of
        self._uploads: Counter[int] = Counter()
        """Under way in this process, by user."""

    @contextmanager
    def uploading(self, user_id: int) -> Iterator[None]:
        """Count an upload for as long as it takes: what has come and is not written yet waits in memory.

        Raises RateLimited (the user has too many under way), ServerOverloaded (the process has).
        """
        rules = self._rules_of()
        if self._uploads[user_id] >= rules.max_user_uploads:
            raise RateLimited(
                f"{rules.max_user_uploads} files of yours can be uploaded at the same time.",
                code="TOO_MANY_UPLOADS",
                context={"limit_type": "uploads", "limit": rules.max_user_uploads},
                retry_after_s=_FULL_RETRY_S,
            )
        if self._uploads.total() >= rules.max_uploads:
            raise ServerOverloaded("The gateway has no room for uploads at the moment.", retry_after_s=_FULL_RETRY_S)
        self._uploads[user_id] += 1
        try:
            yield
        finally:
            self._uploads -= Counter((user_id,))  # forgets those at zero

    async def begin_upload(self, user_id: int, filename: str) -> FileWriter:
        """Begin to take a file of a user's, within the bounds for users."""
        rules = self._rules_of()
        file = await self._begin(user_id, filename, BATCH_INPUT)
        return FileWriter(self._store, file, rules.max_file_bytes, rules.max_user_bytes)

    async def begin_output(self, user_id: int, filename: str) -> FileWriter:
        """Begin to write a file for a user: what a batch came to is never refused."""
        return FileWriter(self._store, await self._begin(user_id, filename, BATCH_OUTPUT), None, None)

    def expiry(self, ttl_s: int | None) -> datetime:
        """Return when a file of today expires: `ttl_s` is what its owner said."""
        kept = timedelta(days=self._rules_of().keep_days) if ttl_s is None else timedelta(seconds=ttl_s)
        return self._clock.now() + kept

    async def find(self, user_id: int, public_id: str) -> StoredFile:
        """Return a user's file. Raises ResourceNotFound."""
        found = await self._store.find(user_id, public_id, self._clock.now())
        if found is None:
            raise _missing()
        return found

    async def list_files(
        self, user_id: int, *, after: str | None, limit: int, is_newest_first: bool, purpose: str | None
    ) -> Sequence[StoredFile]:
        """Return a user's files behind one of them. Raises ResourceNotFound when that one is not there."""
        behind = None if after is None else (await self.find(user_id, after)).id
        return await self._store.list_files(
            user_id, self._clock.now(), after=behind, limit=limit, is_newest_first=is_newest_first, purpose=purpose
        )

    async def remove(self, user_id: int, public_id: str) -> None:
        """Forget a user's file. Raises ResourceNotFound."""
        if not await self._store.remove(user_id, public_id, self._clock.now()):
            raise _missing()

    async def content(self, file: StoredFile) -> AsyncIterator[bytes]:
        """Yield a file's content. Raises ResourceNotFound where it is deleted meanwhile, never a shorter file."""
        number, left = 0, file.bytes
        while left > 0:
            chunk = await self._store.read_chunk(file.id, number)
            if chunk is None:
                raise _missing()
            yield chunk
            number, left = number + 1, left - len(chunk)

    async def prune(self) -> None:
        """Forget what has expired, and uploads that were broken off."""
        now = self._clock.now()
        while await self._store.prune(now, now - _UPLOAD, _PRUNED_AT_ONCE):
            pass

    async def _begin(self, user_id: int, filename: str, purpose: str) -> StoredFile:
        new = NewFile(
            public_id=f"file-{token_hex(12)}", user_id=user_id, filename=filename[:_NAME_CHARACTERS], purpose=purpose
        )
        return await self._store.begin(new, self._clock.now())


def _missing() -> ResourceNotFound:
    """Return the refusal."""
    return ResourceNotFound("There is no such file.", code="FILE_NOT_FOUND", param="file_id")
