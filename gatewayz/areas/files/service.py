"""Files as they come in by a form, and as OpenAI's clients see them."""

from typing import Final

from gatewayz.areas.files.schema import FileList, FileObject
from gatewayz.domain.files.files import BATCH_INPUT, Files, FileWriter
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.store.file_records import StoredFile
from gatewayz.web.form_stream import FormPiece

__all__ = ["Upload", "show_file", "show_files"]

_VALUE_BYTES: Final = 1024
_SHORTEST_S: Final = 3600
_LONGEST_S: Final = 30 * 24 * 3600
_FIELDS: Final = frozenset(("file", "purpose", "expires_after[anchor]", "expires_after[seconds]"))


class Upload:
    """Takes one form. Ends by `finish` or by `discard`."""

    def __init__(self, files: Files, user_id: int) -> None:
        self._files = files
        self._user_id = user_id
        self._values: dict[str, str] = {}
        self._value = bytearray()
        self._writer: FileWriter | None = None
        self._is_whole = False

    async def take(self, piece: FormPiece) -> None:
        """Take a piece of the form. Raises InvalidRequest, BodyTooLarge, StoreUnavailable."""
        if piece.name not in _FIELDS:
            raise InvalidRequest(f"The form has no field {piece.name[:80]!r}.", param=piece.name[:80])
        if piece.name == "file":
            await self._take_content(piece)
        else:
            self._take_value(piece)

    async def finish(self) -> StoredFile:
        """Return the file. Raises as `take`."""
        if self._writer is None or not self._is_whole:
            raise InvalidRequest("The form has no file.", param="file")
        if self._writer.bytes == 0:
            raise InvalidRequest("The file is empty.", param="file")
        if "purpose" not in self._values:
            raise InvalidRequest("Say what the file is for.", param="purpose")
        return await self._writer.finish(self._files.expiry(self._ttl_s()))

    async def discard(self) -> None:
        """Forget what has come."""
        if self._writer is not None:
            await self._writer.discard()

    async def _take_content(self, piece: FormPiece) -> None:
        if piece.filename is None:
            raise InvalidRequest("The field 'file' is sent as a file, with a name.", param="file")
        if self._is_whole:
            raise InvalidRequest("The form has more than one file.", param="file")
        if self._writer is None:
            self._writer = await self._files.begin_upload(self._user_id, _shown_name(piece.filename))
        await self._writer.write(piece.data)
        self._is_whole = piece.is_last

    def _take_value(self, piece: FormPiece) -> None:
        self._value += piece.data
        if len(self._value) > _VALUE_BYTES:
            raise InvalidRequest(f"{piece.name} has more than {_VALUE_BYTES} bytes.", param=piece.name)
        if piece.is_last:
            self._values[piece.name] = self._value.decode("utf-8", "replace")
            self._value.clear()
            self._check_purpose()

    def _check_purpose(self) -> None:
        """Refuse a purpose as soon as it is known, before its file is taken."""
        purpose = self._values.get("purpose", BATCH_INPUT)
        if purpose != BATCH_INPUT:
            raise InvalidRequest(
                f"Files are kept for batches only: the purpose is '{BATCH_INPUT}', not {purpose[:80]!r}.",
                param="purpose",
                context={"allowed_values": [BATCH_INPUT]},
            )

    def _ttl_s(self) -> int | None:
        anchor = self._values.get("expires_after[anchor]")
        seconds = self._values.get("expires_after[seconds]")
        if anchor is None and seconds is None:
            return None
        if anchor != "created_at":
            raise InvalidRequest("Files expire counted from 'created_at'.", param="expires_after[anchor]")
        is_number = seconds is not None and seconds.isascii() and seconds.isdigit() and len(seconds) < 12
        if seconds is None or not is_number or not _SHORTEST_S <= int(seconds) <= _LONGEST_S:
            raise InvalidRequest(
                f"Files expire after {_SHORTEST_S} to {_LONGEST_S} seconds.", param="expires_after[seconds]"
            )
        return int(seconds)


def show_file(file: StoredFile) -> FileObject:
    """Return a file in OpenAI's shape."""
    return FileObject(
        id=file.public_id,
        bytes=file.bytes,
        created_at=int(file.created_at.timestamp()),
        expires_at=None if file.expires_at is None else int(file.expires_at.timestamp()),
        filename=file.filename,
        purpose=file.purpose,
    )


def show_files(found: list[StoredFile], limit: int) -> FileList:
    """Return a page in OpenAI's shape.

    :param found: one more than the page holds, where there are more.
    """
    page = [show_file(file) for file in found[:limit]]
    return FileList(
        data=page,
        first_id=page[0].id if page else None,
        last_id=page[-1].id if page else None,
        has_more=len(found) > limit,
    )


def _shown_name(filename: str) -> str:
    """Return the last part of a client's name for a file, printable; it is never a path here."""
    last = filename.replace("\\", "/").rpartition("/")[2]
    return "".join(each if each.isprintable() else "_" for each in last) or "file"
