"""Mail by SMTP."""

from gatewayz.sdk.hookspecs import MailRegister, hookimpl
from gatewayz_plugins.mail.smtp.sender import SmtpSender, SmtpSettings


@hookimpl
def gatewayz_register_mail(register: MailRegister) -> None:
    """Offer the sender as `smtp`."""
    register("smtp", SmtpSender, settings=SmtpSettings)
