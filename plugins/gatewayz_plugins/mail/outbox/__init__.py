"""Mail kept as files."""

from gatewayz.sdk.hookspecs import MailRegister, hookimpl
from gatewayz_plugins.mail.outbox.outbox import Outbox, OutboxSettings


@hookimpl
def gatewayz_register_mail(register: MailRegister) -> None:
    """Offer the outbox as `outbox`."""
    register("outbox", Outbox, settings=OutboxSettings)
