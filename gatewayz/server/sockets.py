"""Listening sockets, bound before anything is started, so that a taken port fails at once."""

import logging
import resource
import socket
import sys
from collections.abc import Sequence

__all__ = ["Bound", "bind_group", "bind_sockets", "list_addresses", "raise_file_limit"]

_logger = logging.getLogger(__name__)

Bound = list[tuple[str, int]]
"""Hosts and ports listened on."""


def bind_sockets(host: str, port: int, *, share_port: bool = False) -> list[socket.socket]:
    """Bind a socket for each address of `host`; port 0 takes one free port for all of them.

    `share_port` lets other sockets listen on the same port, the kernel spreading connections over them.

    Raises:
        OSError: the host is unknown or the port is taken.
    """
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            sock = socket.socket(family, kind, protocol)
            sockets.append(sock)
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if share_port:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((address[0], port or _first_port(sockets), *address[2:]))
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _first_port(sockets: Sequence[socket.socket]) -> int:
    return 0 if len(sockets) == 1 else int(sockets[0].getsockname()[1])


def bind_group(host: str, port: int, workers: int) -> list[list[socket.socket]]:
    """Return the sockets of each worker.

    On Linux every worker gets its own, on one port: the kernel then spreads connections evenly, and those
    waiting for a worker that died are still there for its successor. Elsewhere they share one.
    """
    if workers == 1 or not sys.platform.startswith("linux"):
        sockets = bind_sockets(host, port)
        return [sockets for _ in range(workers)]
    first = bind_sockets(host, port, share_port=True)
    taken = first[0].getsockname()[1]
    return [first, *(bind_sockets(host, taken, share_port=True) for _ in range(workers - 1))]


def list_addresses(sockets: Sequence[socket.socket]) -> Bound:
    """Return where the sockets are bound."""
    names = [sock.getsockname() for sock in sockets]
    return [(name[0], name[1]) for name in names]


def raise_file_limit() -> None:
    """Raise the soft limit of open files to the hard one: each connection is a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == hard:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    except (OSError, ValueError) as error:  # macOS refuses some values; serving with fewer files is better than not
        _logger.warning("the limit of %d open files could not be raised: %s", soft, error)
