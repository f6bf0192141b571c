"""Where a key may be used from."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

from gatewayz.domain.identity.caller import Caller, Network
from gatewayz.sdk.errors import InvalidRequest, PermissionRefused

__all__ = ["check_restrictions", "parse_domains", "parse_networks"]


def check_restrictions(caller: Caller, client_address: str, referrer: str | None) -> None:
    """Refuse a call from an address or a page the key is not meant for.

    :param referrer: the `Origin` or `Referer` header.
    Raises PermissionRefused, codes IP_RESTRICTED and DOMAIN_RESTRICTED. Source: spec 00 §2.
    """
    if caller.ip_allowlist and not _is_within(client_address, caller.ip_allowlist):
        raise PermissionRefused(
            "This API key may not be used from this address.",
            code="IP_RESTRICTED",
            context={"ip_address": client_address, "allowed_ips": [str(network) for network in caller.ip_allowlist]},
        )
    if caller.domain_referrers and not _is_named(referrer, caller.domain_referrers):
        raise PermissionRefused("This API key may not be used from this site.", code="DOMAIN_RESTRICTED")


def parse_networks(entries: Iterable[str]) -> tuple[Network, ...]:
    """Return addresses and CIDR ranges as networks. Raises InvalidRequest (param `ip_allowlist[i]`)."""
    networks: list[Network] = []
    for place, entry in enumerate(entries):
        try:
            networks.append(ip_network(entry.strip(), strict=False))
        except ValueError as err:
            raise InvalidRequest(
                f"Not an IP address or CIDR range: {entry[:64]!r}", param=f"ip_allowlist[{place}]"
            ) from err
    return tuple(networks)


def parse_domains(entries: Iterable[str]) -> tuple[str, ...]:
    """Return host names in lower case; `*.example.com` is every subdomain. Raises InvalidRequest."""
    domains: list[str] = []
    for place, entry in enumerate(entries):
        domain = entry.strip().rstrip(".").lower()
        labels = domain.removeprefix("*.").split(".")
        if len(domain) > 253 or not all(label.replace("-", "").isalnum() and len(label) < 64 for label in labels):
            raise InvalidRequest(f"Not a host name: {entry[:64]!r}", param=f"domain_referrers[{place}]")
        domains.append(domain)
    return tuple(domains)


def _is_within(client_address: str, networks: tuple[Network, ...]) -> bool:
    try:
        address: IPv4Address | IPv6Address = ip_address(client_address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def _is_named(referrer: str | None, domains: tuple[str, ...]) -> bool:
    try:
        host = urlsplit(referrer or "").hostname
    except ValueError:
        return False
    if host is None:
        return False
    host = host.rstrip(".")
    return any(host.endswith(domain[1:]) if domain.startswith("*.") else host == domain for domain in domains)
