"""Whether an address is of a mail domain that is not like others. Source: spec 03 §1, 00 §5.3."""

from collections.abc import Iterable
from typing import Literal

from gatewayz.config.sections.access import MailDomains

__all__ = ["MailKind", "is_of_domain", "kind_of_mail"]

MailKind = Literal["temporary", "blocked"]


def is_of_domain(email: str | None, domains: Iterable[str]) -> bool:
    """Return whether an address is of one of the domains, or of a subdomain of one."""
    if email is None:
        return False
    host = email.rpartition("@")[2].strip().rstrip(".").lower()
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)


def kind_of_mail(email: str | None, domains: MailDomains, *, is_suspect: bool) -> MailKind | None:
    """Return what is odd about an account's mail domain, None for one like others.

    :param is_suspect: the account was marked when it was made; another address does not wash that off.
    """
    if is_of_domain(email, domains.blocked):
        return "blocked"
    return "temporary" if is_suspect or is_of_domain(email, domains.temporary) else None
