"""Mail that the gateway sends, as a port; and an outbox of files, for gateways without a mail service."""

import asyncio
from pathlib import Path
from secrets import token_hex
from typing import Protocol

import msgspec

__all__ = ["FileMailer", "Mail", "Mailer"]


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One message."""

    to: str
    subject: str
    text: str


class Mailer(Protocol):
    """Takes mail to be sent."""

    async def send(self, mail: Mail) -> None:
        """Take a message over. Raises OSError when it cannot be kept."""
        ...


class FileMailer:
    """Writes each message into a file of a folder, for its owner only."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def send(self, mail: Mail) -> None:
        """Write the message."""
        await asyncio.to_thread(self._write, msgspec.json.encode(mail))

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._folder / f"{token_hex(12)}.json"
        file.touch(mode=0o600)
        file.write_bytes(content)
