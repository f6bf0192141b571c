"""The process that holds the model: llama.cpp's own server on a random port, for as long as its parent lives.

Run as a script by `process.py`. Standard input: one JSON line (`Order`), then nothing; its end is the
order to stop. Standard output: one JSON line (`Started`) when the model answers. It imports nothing of
the gateway, so that it starts fast.
"""

import ctypes
import os
import signal
import sys
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    import xllamacpp

__all__ = ["Order", "Started", "main"]

PR_SET_PDEATHSIG: Final = 1
"""Source: prctl(2), linux/prctl.h."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to serve."""

    model_path: str
    model_name: str
    api_key: str
    context_tokens: int
    """Of each of the parallel answers."""
    parallel: int
    threads: int
    temperature: float


class Started(msgspec.Struct, frozen=True, kw_only=True):
    """Where it is served."""

    port: int


def main() -> None:
    """Serve until standard input ends."""
    _die_with_parent()
    import xllamacpp  # noqa: PLC0415 - the gateway imports this module for `Order` and must not load the library

    answer = os.dup(1)
    os.dup2(2, 1)  # the server's own prints go to the log, not into the answer
    order = msgspec.json.decode(sys.stdin.buffer.readline(), type=Order)
    server = xllamacpp.Server(_parameters(xllamacpp.CommonParams(), order))
    port = int(server.listening_address.rpartition(":")[2])
    os.write(answer, msgspec.json.encode(Started(port=port)) + b"\n")
    os.close(answer)
    while sys.stdin.buffer.read(65536):
        pass
    os._exit(0)  # answers still running are of no use to a parent that is gone


def _parameters(parameters: "xllamacpp.CommonParams", order: Order) -> "xllamacpp.CommonParams":
    parameters.model.path = order.model_path
    parameters.model_alias = {order.model_name}
    parameters.api_keys = [order.api_key]
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = 0
    parameters.n_ctx = order.context_tokens * order.parallel
    parameters.n_parallel = order.parallel
    parameters.cpuparams.n_threads = order.threads
    parameters.sampling.temp = order.temperature
    parameters.use_jinja = False  # the model's own template adds a system message that leads so small a model astray
    return parameters


def _die_with_parent() -> None:
    """Ask Linux to kill this process with its parent; elsewhere the end of standard input does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main()
