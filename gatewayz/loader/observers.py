"""Tells plugins what happened, and lets nothing they do come back.

An observer that raises is logged and counted; after `QUARANTINE_AFTER` faults in a row it is no
longer called until the next configuration.
"""

import inspect
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from gatewayz.loader.contain import describe
from gatewayz.sdk.observe import Attempt, Settlement

__all__ = ["QUARANTINE_AFTER", "Observer", "Observers"]

QUARANTINE_AFTER: Final = 10

_LOGGER = logging.getLogger("gatewayz.plugins")


class Observer:
    """One implementation of an observing hook."""

    __slots__ = ("_function", "_in_a_row", "_takes_value", "faults", "hook", "plugin")

    def __init__(self, *, plugin: str, hook: str, function: Callable[..., Any], takes_value: bool) -> None:
        self.plugin = plugin
        self.hook = hook
        self.faults = 0
        self._function = function
        self._takes_value = takes_value
        self._in_a_row = 0

    @property
    def is_quarantined(self) -> bool:
        """True when it failed too often to be called again."""
        return self._in_a_row >= QUARANTINE_AFTER

    def tell(self, value: object) -> None:
        """Call it. Never raises."""
        if self._in_a_row >= QUARANTINE_AFTER:
            return
        try:
            answer = self._function(value) if self._takes_value else self._function()
            if answer is not None and inspect.iscoroutine(answer):
                answer.close()
                raise TypeError("an observer is a plain function, not 'async def'")
        except (Exception, SystemExit) as err:  # noqa: BLE001  an observer must never fail a request that was served
            self._count(err)
        else:
            self._in_a_row = 0

    def _count(self, err: BaseException) -> None:
        self.faults += 1
        self._in_a_row += 1
        _LOGGER.error(
            "plugin %r: %s failed (%d in a row): %s",
            self.plugin,
            self.hook,
            self._in_a_row,
            describe(err),
            exc_info=err if self._in_a_row == 1 else None,
        )
        if self._in_a_row == QUARANTINE_AFTER:
            _LOGGER.error("plugin %r: %s is not called any more", self.plugin, self.hook)


class Observers:
    """The observers of one configuration, as fixed tuples."""

    __slots__ = ("_attempt", "_settled")

    def __init__(self, *, attempt_finished: Sequence[Observer] = (), request_settled: Sequence[Observer] = ()) -> None:
        self._attempt = tuple(attempt_finished)
        self._settled = tuple(request_settled)

    @property
    def all(self) -> tuple[Observer, ...]:
        """Every observer, for reports."""
        return self._attempt + self._settled

    @property
    def wants_attempts(self) -> bool:
        """False when an `Attempt` need not even be made."""
        return bool(self._attempt)

    def attempt_finished(self, attempt: Attempt) -> None:
        """Tell of an attempt. Never raises."""
        for observer in self._attempt:
            observer.tell(attempt)

    def request_settled(self, settlement: Settlement) -> None:
        """Tell of a settled request. Never raises."""
        for observer in self._settled:
            observer.tell(settlement)
