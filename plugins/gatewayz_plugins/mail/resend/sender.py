"""Mail by Resend, `POST /emails`. After its public clients (resend-java, gleesend); not checked against the service."""

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import UpstreamError
from gatewayz.sdk.mail import Mail, MailFailed
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import HttpRequest, Timeouts, split_url

__all__ = ["ResendSender", "ResendSettings"]

ANSWER_LIMIT: Final = 64 * 1024


class ResendSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An instance."""

    api_key: Secret
    sender: str
    """`Gatewayz <no-reply@example.com>`; its domain is verified at the service."""
    base_url: str = "https://api.resend.com"
    timeout_s: Annotated[float, Meta(gt=0)] = 20.0

    def is_configured(self) -> bool:
        """Whether there is a key."""
        return bool(self.api_key and self.sender)

    def __post_init__(self) -> None:
        """Raise ValueError when `base_url` is no address."""
        split_url(self.base_url)


class ResendSender:
    """Delivers over HTTP."""

    delivers = True

    def __init__(self, settings: ResendSettings, context: PluginContext) -> None:
        self._http = context.http
        self._settings = settings
        wait = settings.timeout_s
        self._timeouts = Timeouts(connect_s=min(5.0, wait), first_byte_s=wait, idle_s=wait, total_s=wait)

    async def send(self, mail: Mail) -> None:
        """Send. Raises MailFailed."""
        origin, base = split_url(self._settings.base_url)
        sent = {"from": self._settings.sender, "to": [mail.to], "subject": mail.subject, "text": mail.text}
        if mail.html is not None:
            sent["html"] = mail.html
        request = HttpRequest(
            origin=origin,
            target=f"{base}/emails".encode(),
            headers=(
                (b"content-type", b"application/json"),
                (b"authorization", b"Bearer " + self._settings.api_key.reveal().encode()),
            ),
            body=msgspec.json.encode(sent),
            method=b"POST",
        )
        try:
            reply = await self._http.send(request, self._timeouts)
            try:
                await reply.read_all(ANSWER_LIMIT)
            finally:
                reply.close()
        except UpstreamError as err:
            raise MailFailed("the mail service cannot be reached") from err
        if reply.status not in (200, 201, 202):
            raise MailFailed(f"the mail service refused a message with status {reply.status}")
