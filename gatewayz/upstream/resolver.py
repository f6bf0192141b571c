"""Names to addresses: literals and localhost at once, others by the system, kept for a short while."""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import Any, Final

__all__ = ["Address", "LookUp", "Resolver", "ask_system", "ask_system_in", "parse_address"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""Asks for a name's addresses; raises OSError."""

LOCALHOST: Final = ("127.0.0.1", "::1")
MAX_NAMES: Final = 1000


async def ask_system(host: str) -> Sequence[str]:
    """Return the addresses the system knows for a host, in its order. Raises OSError."""
    return _addresses(await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM))


def ask_system_in(threads: Executor) -> LookUp:
    """Return what asks the system as `ask_system` does, in threads of its own instead of the loop's."""
    ask = partial(socket.getaddrinfo, port=None, type=socket.SOCK_STREAM)

    async def look_up(host: str) -> Sequence[str]:
        return _addresses(await asyncio.get_running_loop().run_in_executor(threads, ask, host))

    return look_up


def _addresses(found: Sequence[tuple[Any, ...]]) -> Sequence[str]:
    return [str(info[4][0]) for info in found]


class Resolver:
    """Resolves for one client; concurrent questions for one name are asked once.

    :param kept_s: how long an answer is used.
    :param check: called with every address before it is used; raises to refuse it.
    :param look_up: who is asked.
    """

    def __init__(
        self, kept_s: float = 30.0, check: Callable[[Address], None] | None = None, look_up: LookUp = ask_system
    ) -> None:
        self._kept_s = kept_s
        self._check = check
        self._system = look_up
        self._known: dict[str, tuple[float, tuple[str, ...]]] = {}
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def resolve(self, host: str) -> tuple[str, ...]:
        """Return the addresses of a host, in the order to try. Raises OSError, and what `check` raises."""
        literal = parse_address(host)
        if literal is not None:
            addresses: tuple[str, ...] = (host,)
        elif host == "localhost":
            addresses = LOCALHOST
        else:
            addresses = await self._look_up(host)
        if self._check is not None:
            for address in addresses:
                parsed = parse_address(address)
                if parsed is None:
                    raise OSError(f"not an address: {address!r}")
                self._check(parsed)
        return addresses

    async def _look_up(self, host: str) -> tuple[str, ...]:
        now = asyncio.get_running_loop().time()
        known = self._known.get(host)
        if known is not None and known[0] > now:
            return known[1]
        task = self._asking.get(host)
        if task is None:
            task = self._asking[host] = asyncio.create_task(self._ask(host))
            task.add_done_callback(lambda done: self._asked(host, done))
        # Shielded: the caller may leave, others wait for the same answer.
        return await asyncio.shield(task)

    async def _ask(self, host: str) -> tuple[str, ...]:
        addresses = tuple(dict.fromkeys(await self._system(host)))
        if not addresses:
            raise OSError(f"no address for {host!r}")
        if len(self._known) >= MAX_NAMES:
            self._known.clear()
        self._known[host] = (asyncio.get_running_loop().time() + self._kept_s, addresses)
        return addresses

    def _asked(self, host: str, task: "asyncio.Task[tuple[str, ...]]") -> None:
        self._asking.pop(host, None)
        if not task.cancelled():
            # Marks the error as seen: whoever waited has it, and perhaps nobody waits any more.
            task.exception()


def parse_address(text: str) -> Address | None:
    """Return the address written in `text`, None when it is a name."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
