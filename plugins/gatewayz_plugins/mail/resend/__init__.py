"""Mail by Resend's HTTP API."""

from gatewayz.sdk.hookspecs import MailRegister, hookimpl
from gatewayz_plugins.mail.resend.sender import ResendSender, ResendSettings


@hookimpl
def gatewayz_register_mail(register: MailRegister) -> None:
    """Offer the sender as `resend`."""
    register("resend", ResendSender, settings=ResendSettings)
