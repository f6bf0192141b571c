"""An upload on disk: written once while it arrives, read as often as it is sent on."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from tempfile import TemporaryFile
from typing import IO, Final

from gatewayz.domain.audio.sound import HEAD_BYTES, SoundKind, kind_of, measured_ms
from gatewayz.sdk.errors import BodyTooLarge, InvalidRequest, ServerOverloaded

__all__ = ["BLOCK_BYTES", "Spool"]

_log = logging.getLogger("gatewayz.web")

BLOCK_BYTES: Final = 256 * 1024
"""Gathers in memory before it goes to disk; `write` is given no larger pieces, so twice this is the most."""


class Spool:
    """A `gatewayz.sdk.audio.Recording` in a file without a name: it is gone when it is closed, or its process ends.

    :param folder: where; the system's place for temporary files when empty.
    :param max_bytes: above it BodyTooLarge is raised.
    :param param: what the caller calls it, for errors.
    Raises ServerOverloaded where there is no room for it, as `write` and `finish` do.
    """

    def __init__(self, folder: str, max_bytes: int, param: str) -> None:
        try:
            self._file: IO[bytes] = TemporaryFile(dir=folder or None)  # noqa: SIM115  `close` is ours
        except OSError as err:
            raise _no_room(err) from err
        self.max_bytes = max_bytes
        self.param = param
        self._block = bytearray()
        self._digest = hashlib.sha256()
        self._kind: SoundKind | None = None
        self.name = ""
        self.media_type = ""
        self.size = 0
        self.duration_ms = 0

    async def write(self, data: bytes) -> None:
        """Take the next bytes. Raises BodyTooLarge, InvalidRequest once the beginning shows that it is no sound."""
        self.size += len(data)
        if self.size > self.max_bytes:
            raise BodyTooLarge(
                f"The file is larger than {self.max_bytes} bytes.",
                param=self.param,
                context={"parameter_name": self.param, "max_value": self.max_bytes},
            )
        self._digest.update(data)
        self._block += data
        if len(self._block) >= BLOCK_BYTES:
            await self._flush()

    async def finish(self) -> None:
        """Complete it, and find out what it is.

        Raises InvalidRequest for a file that is empty, or no sound that is taken.
        """
        if not self.size:
            raise InvalidRequest(f"{self.param} is empty", code="EMPTY_FILE", param=self.param)
        await self._flush()
        if self._kind is None:
            raise InvalidRequest(
                f"{self.param} is no sound that is read here: flac, m4a, mp3, mp4, mpeg, mpga, ogg, wav or webm",
                code="UNSUPPORTED_AUDIO",
                param=self.param,
            )
        self.name = f"audio.{self._kind.ending}"
        self.media_type = self._kind.media_type
        self.duration_ms = await asyncio.to_thread(measured_ms, self._file, self._kind, self.size)

    @property
    def digest(self) -> str:
        """SHA-256 of what was written, in hexadecimal: two uploads with one digest are the same."""
        return self._digest.hexdigest()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read it from its beginning."""
        at = 0
        while block := await asyncio.to_thread(self._read, at):
            yield block
            at += len(block)

    def close(self) -> None:
        """Give the disk back. Idempotent."""
        with suppress(OSError):  # closing tries once more to write what a full disk refused; it closes all the same
            self._file.close()

    async def _flush(self) -> None:
        block, self._block = bytes(self._block), bytearray()
        if self._kind is None:
            self._kind = kind_of(block[:HEAD_BYTES])
        if not block:
            return
        try:
            await asyncio.to_thread(self._write, block)
        except OSError as err:
            raise _no_room(err) from err

    def _write(self, block: bytes) -> None:
        self._file.write(block)
        self._file.flush()

    def _read(self, at: int) -> bytes:
        self._file.seek(at)
        return self._file.read(BLOCK_BYTES)


def _no_room(error: OSError) -> ServerOverloaded:
    _log.error("an upload cannot be kept: %s", error)
    return ServerOverloaded("The gateway has no room for uploads at the moment.", retry_after_s=30)
