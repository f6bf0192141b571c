"""Mail to people, by the mail plugin of the configuration in force."""

import logging
from collections.abc import Callable

from gatewayz.sdk.mail import Mail, MailFailed, MailSender

__all__ = ["Mail", "Mailer"]

_log = logging.getLogger("gatewayz.mail")


class Mailer:
    """:param current: the mail plugin of the configuration in force, None for none."""

    def __init__(self, current: Callable[[], MailSender | None]) -> None:
        self._current = current

    @property
    def is_delivering(self) -> bool:
        """Whether mail leaves this machine."""
        sender = self._current()
        return sender is not None and sender.delivers

    async def send(self, mail: Mail) -> bool:
        """Hand a message over; return whether it was taken. Never raises: mail is beside the point of who sends it."""
        sender = self._current()
        if sender is None:
            _log.warning("a message was dropped: no mail plugin is configured (%s)", mail.subject)
            return False
        try:
            await sender.send(mail)
        except MailFailed as err:
            _log.error("a message was not sent (%s): %s", mail.subject, err.message)
            return False
        return True
