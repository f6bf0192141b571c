"""A fence round sound that arrives: reading it fails as the core knows, or not at all."""

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from gatewayz.loader.faults import FOREIGN, Faults
from gatewayz.sdk.audio import SpokenAudio

__all__ = ["FencedSound"]


class FencedSound:
    """`gatewayz.sdk.audio.SpokenAudio`.

    :param limit: awaits the first piece at most as long as the call may take: until it is there, another can be asked.
    :param refuse: raises what the core knows for what the plugin raised while doing something.
    """

    def __init__(
        self,
        inner: SpokenAudio,
        limit: Callable[[Awaitable[bytes]], Awaitable[bytes]],
        refuse: Callable[[BaseException, str], NoReturn],
        faults: Faults,
    ) -> None:
        self._inner = inner
        self._limit = limit
        self._refuse = refuse
        self._faults = faults
        self._has_begun = False
        self.media_type = inner.media_type

    async def read(self) -> bytes:
        """As `SpokenAudio.read`."""
        try:
            reading = self._inner.read()
            piece: Any = await (reading if self._has_begun else self._limit(reading))
            self._has_begun = True
            if not isinstance(piece, bytes):
                raise TypeError(f"read gave a {type(piece).__name__}")
        except FOREIGN as err:
            self._refuse(err, "read")
        return piece

    def close(self) -> None:
        """As `SpokenAudio.close`."""
        try:
            self._inner.close()
        except FOREIGN as err:  # the sound is over; a fault in letting go of it is only logged
            self._faults.log(err, "closing a sound")
