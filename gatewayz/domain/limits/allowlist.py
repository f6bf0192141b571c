"""Addresses that the network limiter passes over: kept in the store, known to every process within seconds.

Source: spec 00 §5.1, 07 §1.
"""

import asyncio
import logging
from collections.abc import Sequence
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final, Protocol

from gatewayz.domain.identity.caller import Network
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.allowlist_records import AllowlistEntry, AllowlistFilter

__all__ = ["POLL_S", "Allowlist", "AllowlistReader", "canonical_network", "is_listed"]

_log = logging.getLogger("gatewayz.limits")
POLL_S: Final = 3.0
"""How often each process reads the list."""
_MAPPED: Final = ip_network("::ffff:0:0/96")


class AllowlistReader(Protocol):
    """The store, as far as it is read here."""

    async def list_entries(self, wanted: AllowlistFilter) -> Sequence[AllowlistEntry]:
        """Return entries. Raises StoreUnavailable."""
        ...


class Allowlist:
    """The entries in force, in memory. While the store is away the list last read holds."""

    def __init__(self, store: AllowlistReader, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: tuple[tuple[Network, AllowlistEntry], ...] = ()
        self._is_current = True

    def covers(self, address: str) -> bool:
        """Return whether an address is listed for everybody; callers without a key are nobody's."""
        return bool(self._entries) and _matches(address, self._entries, self._clock, None)

    async def refresh(self) -> None:
        """Read the list. Raises StoreUnavailable."""
        wanted = AllowlistFilter(is_enabled=True, expires_after=self._clock.now())
        self._entries = _parsed(await self._store.list_entries(wanted))

    async def run(self) -> None:
        """Read the list every few seconds until cancelled."""
        while True:
            try:
                await self.refresh()
            except StoreUnavailable as err:
                if self._is_current:
                    _log.warning("the allowlist of addresses cannot be read (%s); the last one holds", err)
                self._is_current = False
            else:
                self._is_current = True
            await asyncio.sleep(POLL_S)


def is_listed(address: str, entries: Sequence[AllowlistEntry], clock: Clock, user_id: int | None) -> bool:
    """Return whether entries in force cover an address, for everybody or for that user."""
    return _matches(address, _parsed([entry for entry in entries if entry.is_enabled]), clock, user_id)


def canonical_network(text: str) -> str:
    """Return an address or CIDR range in the one form it is kept in. Raises ValueError."""
    if "%" in text:
        raise ValueError("a zone is not part of an address that others see")
    network: Network = ip_network(text.strip(), strict=False)
    if network.version == 6 and network.prefixlen >= _MAPPED.prefixlen and network.network_address in _MAPPED:
        embedded = int(network.network_address) & 0xFFFF_FFFF
        network = ip_network((embedded, network.prefixlen - _MAPPED.prefixlen))
    return str(network.network_address) if network.prefixlen == network.max_prefixlen else str(network)


def _parsed(entries: Sequence[AllowlistEntry]) -> tuple[tuple[Network, AllowlistEntry], ...]:
    return tuple((ip_network(entry.network), entry) for entry in entries)


def _matches(
    address: str, entries: tuple[tuple[Network, AllowlistEntry], ...], clock: Clock, user_id: int | None
) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address):
        parsed = parsed.ipv4_mapped or parsed
    now = clock.now()
    return any(
        parsed in network and entry.user_id in (None, user_id) and (entry.expires_at is None or entry.expires_at > now)
        for network, entry in entries
    )
