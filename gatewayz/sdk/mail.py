"""Mail that the gateway sends: a message, and who takes it. Source: docs/decisions/0172-mail-is-a-plugin.md."""

from typing import Protocol

import msgspec

from gatewayz.sdk.errors import ServiceError

__all__ = ["Mail", "MailFailed", "MailSender"]


class MailFailed(ServiceError):
    """A message was not taken."""

    status = 503
    default_code = "MAIL_FAILED"


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """One message to one person."""

    to: str
    """An address without a name: `ada@example.com`."""
    subject: str
    """One line."""
    text: str
    html: str | None = None
    """The same for readers of HTML."""


class MailSender(Protocol):
    """Takes mail to be sent."""

    @property
    def delivers(self) -> bool:
        """Whether messages leave this machine; False for one that only keeps them."""
        ...

    async def send(self, mail: Mail) -> None:
        """Take a message over. Raises MailFailed."""
        ...
