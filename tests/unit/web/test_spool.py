"""Uploads on disk."""

from io import BufferedRandom, RawIOBase
from typing import Any

import pytest

from gatewayz.sdk.errors import ServerOverloaded
from gatewayz.web import spool as spools
from gatewayz.web.spool import Spool


class FullDisk(RawIOBase):
    """Takes nothing."""

    def readable(self) -> bool:
        return True

    writable = seekable = readable

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0

    def write(self, data: Any) -> int:
        raise OSError(28, "No space left on device")


async def test_a_full_disk_is_said_to_be_full(monkeypatch: pytest.MonkeyPatch) -> None:
    disk = FullDisk()
    monkeypatch.setattr(spools, "TemporaryFile", lambda dir: BufferedRandom(disk))  # type: ignore[arg-type]
    spool = Spool("", 1000, "file")
    await spool.write(b"RIFF")
    with pytest.raises(ServerOverloaded):
        try:
            await spool.finish()
        finally:
            spool.close()  # what could not be written is tried again here, and must not hide why

    assert disk.closed
