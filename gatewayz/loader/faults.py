"""What plugin code throws at the core, and how it is logged."""

import logging
from typing import Final

from gatewayz.loader.contain import describe

__all__ = ["FOREIGN", "Faults"]

_LOGGER = logging.getLogger("gatewayz.plugins")
FOREIGN: Final = (Exception, SystemExit)
"""What plugin code may throw at us; SystemExit would otherwise end the event loop."""
MAX_TRACEBACKS: Final = 1000


class Faults:
    """Logs each kind of fault of an instance with its traceback once, in one line afterwards."""

    __slots__ = ("_name", "_seen")

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: set[tuple[type, str, int]] = set()

    def log(self, err: BaseException, doing: str) -> None:
        """Log a fault of an instance while it was doing something."""
        frame = err.__traceback__
        while frame is not None and frame.tb_next is not None:
            frame = frame.tb_next
        where = (type(err), frame.tb_frame.f_code.co_filename, frame.tb_lineno) if frame else (type(err), "", 0)
        is_new = where not in self._seen and len(self._seen) < MAX_TRACEBACKS
        if is_new:
            self._seen.add(where)
        _LOGGER.error("%s: %s failed: %s", self._name, doing, describe(err), exc_info=err if is_new else None)
