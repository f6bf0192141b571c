"""An outbox of files: one JSON file a message, for its owner only."""

import asyncio
from pathlib import Path
from secrets import token_hex

import msgspec

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.mail import Mail, MailFailed

__all__ = ["Outbox", "OutboxSettings"]


class OutboxSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instance."""

    folder: str | None = None
    """Where the files go; without one a folder under `data_dir`."""


class Outbox:
    """Keeps, and delivers nothing."""

    delivers = False

    def __init__(self, settings: OutboxSettings, context: PluginContext) -> None:
        self._folder = context.data_dir if settings.folder is None else Path(settings.folder)

    async def send(self, mail: Mail) -> None:
        """Write the message. Raises MailFailed."""
        try:
            await asyncio.to_thread(self._write, msgspec.json.encode(mail))
        except OSError as err:
            raise MailFailed("the outbox cannot be written") from err

    def _write(self, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = self._folder / f"{token_hex(12)}.json"
        file.touch(mode=0o600)
        file.write_bytes(content)
