"""One worker process: reads its order, builds the application, serves on inherited sockets.

Run by the supervisor as `python -m gatewayz.server.worker`; not a command for people.
"""

import importlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from typing import cast

import msgspec

from gatewayz.server.asgi import ASGI3
from gatewayz.server.run import run
from gatewayz.server.sockets import Bound
from gatewayz.server.workers import WorkOrder

__all__ = ["load_factory", "main"]


def load_factory(path: str) -> Callable[..., ASGI3]:
    """Return the function that `package.module:function` names.

    Raises:
        ValueError: the path has another form.
        ImportError, AttributeError: there is no such thing.
    """
    module, _, name = path.partition(":")
    if not module or not name:
        raise ValueError(f"{path!r} is not of the form package.module:function")
    return cast("Callable[..., ASGI3]", getattr(importlib.import_module(module), name))


def _end_with_parent() -> None:
    """Drain when the supervisor is gone: its end of our standard input closes with it."""
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve as ordered on standard input."""
    order = msgspec.json.decode(_read_line(), type=WorkOrder)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # an application that reloads installs its own handler
    threading.Thread(target=_end_with_parent, name="lifeline", daemon=True).start()
    app = load_factory(order.factory)(*order.arguments)
    sockets = [socket.socket(fileno=descriptor) for descriptor in order.descriptors]

    def tell_ready(_addresses: Bound) -> None:
        os.write(order.ready_descriptor, b"1")
        os.close(order.ready_descriptor)

    run(app, order.settings, ready=tell_ready, sockets=sockets)


def _read_line() -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(sys.stdin.fileno(), 1)
        if not byte:
            raise SystemExit("no order was given")
        line += byte
    return bytes(line)


if __name__ == "__main__":
    main()
