"""A real SMTP server on a loopback socket, which keeps what it takes."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP

__all__ = ["MailServer", "mail_server"]


class MailServer:
    """`refusal` other than empty is said in place of taking a message."""

    def __init__(self) -> None:
        self.refusal = ""
        self.taken: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:
        """Take a message; aiosmtpd calls this."""
        if self.refusal:
            return self.refusal
        message = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.taken.append(message)
        return "250 OK"


@contextmanager
def mail_server() -> Iterator[MailServer]:
    """Start it in a thread of its own; stop it."""
    kept, loop = MailServer(), asyncio.new_event_loop()
    server = loop.run_until_complete(loop.create_server(lambda: SMTP(kept, loop=loop), "127.0.0.1", 0))
    kept.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        server.close()
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
