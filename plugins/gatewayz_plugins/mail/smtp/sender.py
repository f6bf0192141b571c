"""Mail by SMTP (RFC 5321, STARTTLS RFC 3207), over aiosmtplib: one connection a message."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.mail import Mail, MailFailed
from gatewayz.sdk.secret import Secret

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["SmtpSender", "SmtpSettings"]


class SmtpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instance."""

    host: str
    sender: str
    """`Gatewayz <no-reply@example.com>`."""
    port: Annotated[int, Meta(ge=1, le=65535)] = 587
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    """`tls` from the first byte (port 465); `none` for a server on this machine."""
    username: str = ""
    password: Secret | None = None
    ca_file: str | None = None
    """PEM file of a private authority."""
    timeout_s: Annotated[float, Meta(gt=0)] = 20.0

    def is_configured(self) -> bool:
        """Whether there is a server to send to."""
        return bool(self.host and self.sender)

    def __post_init__(self) -> None:
        """Raise ValueError for a password that would go out in the clear."""
        if self.encryption == "none" and self.password:
            raise ValueError("a password needs `encryption: starttls` or `tls`")


class SmtpSender:
    """Delivers to a server."""

    delivers = True

    def __init__(self, settings: SmtpSettings, context: PluginContext) -> None:
        self._settings = settings
        self._clock = context.clock

    async def provision(self) -> None:
        """Raise ConfigurationError when aiosmtplib is not installed."""
        try:
            import aiosmtplib  # noqa: F401, PLC0415  (an extra, loaded only where SMTP is configured)
        except ImportError as err:
            raise ConfigurationError("mail by SMTP needs aiosmtplib: pip install 'gatewayz[mail]'") from err

    async def send(self, mail: Mail) -> None:
        """Send. Raises MailFailed."""
        import aiosmtplib  # noqa: PLC0415  (as above)

        settings = self._settings
        try:
            await aiosmtplib.send(
                _message(mail, settings.sender, self._clock.now()),
                hostname=settings.host,
                port=settings.port,
                username=settings.username or None,
                password=settings.password.reveal() if settings.password else None,
                use_tls=settings.encryption == "tls",
                start_tls=settings.encryption == "starttls",
                cert_bundle=settings.ca_file,
                timeout=settings.timeout_s,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as err:
            raise MailFailed(f"the mail server did not take it ({type(err).__name__})") from err


def _message(mail: Mail, sender: str, now: "datetime") -> EmailMessage:
    """Return the message; a line break in a header is a ValueError of the library's."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2].rstrip("> ") or "localhost")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html is not None:
        message.add_alternative(mail.html, subtype="html")
    return message
