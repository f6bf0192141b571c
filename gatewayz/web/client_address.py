"""One function says where a request came from; every limiter and restriction asks it."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

__all__ = ["ClientAddresses"]

Network = IPv4Network | IPv6Network


class ClientAddresses:
    """Resolves client addresses behind trusted proxies.

    Forwarded headers count only when the peer is a trusted proxy, and are read from right to left up
    to the first hop that is not one. Source: design 5.
    """

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        self._trusted: tuple[Network, ...] = tuple(ip_network(entry, strict=False) for entry in trusted_proxies)
        self._trusted_peers: dict[str, bool] = {}

    def resolve(self, peer: str, forwarded_for: bytes | None) -> str:
        """Return the client's address as text; the peer's own when nothing better is trustworthy."""
        if forwarded_for is None or not self._trusted or not self._is_trusted(peer):
            return peer
        client = peer
        for hop in reversed(forwarded_for.split(b",")):
            address = _parse(hop.strip().decode("ascii", "replace"))
            if address is None:
                return client
            client = str(address)
            if not self._is_trusted(client):
                return client
        return client

    def _is_trusted(self, peer: str) -> bool:
        known = self._trusted_peers.get(peer)
        if known is None:
            address = _parse(peer)
            known = address is not None and any(address in network for network in self._trusted)
            if len(self._trusted_peers) > 10_000:
                self._trusted_peers.clear()
            self._trusted_peers[peer] = known
        return known


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
