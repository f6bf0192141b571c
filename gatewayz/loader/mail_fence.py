"""The fence round a mail plugin: it takes a message, or fails as mail does."""

import asyncio
from typing import Final

from gatewayz.loader.faults import FOREIGN, Faults
from gatewayz.sdk.mail import Mail, MailFailed, MailSender

__all__ = ["FencedMail"]

DEADLINE_S: Final = 60.0


class FencedMail:
    """A sender that raises MailFailed and nothing else."""

    def __init__(self, inner: MailSender, *, deadline_s: float = DEADLINE_S) -> None:
        self.inner = inner
        self._faults = Faults("mail")
        self._deadline_s = deadline_s

    @property
    def delivers(self) -> bool:
        """As `MailSender.delivers`."""
        return bool(self.inner.delivers)

    async def send(self, mail: Mail) -> None:
        """As `MailSender.send`."""
        try:
            async with asyncio.timeout(self._deadline_s):
                await self.inner.send(mail)
        except MailFailed:
            raise
        except TimeoutError as err:
            raise MailFailed("the mail service took too long") from err
        except FOREIGN as err:  # a broken plugin must not fail as the gateway
            self._faults.log(err, "send")
            raise MailFailed("the mail plugin failed") from err
