"""Runs plugin code that blocks where it cannot stop the gateway."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from gatewayz.sdk.errors import ConfigurationError

__all__ = ["describe", "run_contained"]

T = TypeVar("T")


async def run_contained(function: Callable[[], T], *, deadline_s: float, what: str) -> T:
    """Return what `function` returns, from a thread of its own.

    A thread cannot be stopped: one that overruns is left behind, and being a daemon it does not hold
    up the end of the process. Whatever plugin code raises, SystemExit included, is an error of the plugin.

    :param what: subject of the message: `plugin 'x': registering`.
    Raises ConfigurationError when it fails or takes longer than `deadline_s`.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def deliver(value: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(value)  # type: ignore[arg-type]  # a value goes with no error
        else:
            done.set_exception(_as_configuration_error(error, what))

    def run() -> None:
        value: T | None = None
        error: BaseException | None = None
        try:
            value = function()
        except BaseException as err:  # noqa: BLE001  the thread is the boundary: nothing of a plugin's passes it
            error = err
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(deliver, value, error)

    threading.Thread(target=run, name=what, daemon=True).start()
    try:
        async with asyncio.timeout(deadline_s):
            return await done
    except TimeoutError as err:
        raise ConfigurationError(f"{what} took longer than {deadline_s:g} s") from err


def describe(error: BaseException) -> str:
    """Return `TypeName: message` on one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _as_configuration_error(error: BaseException, what: str) -> ConfigurationError:
    if isinstance(error, ConfigurationError):
        return error
    made = ConfigurationError(f"{what} failed: {describe(error)}")
    made.__cause__ = error
    return made
