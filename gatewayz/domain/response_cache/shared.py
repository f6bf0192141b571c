"""Answers that all processes share through Redis, sealed: Redis neither reads them nor makes any up."""

import logging
from typing import TYPE_CHECKING, Final

import msgspec

from gatewayz.domain.identity.keys import KeyUnreadable, KeyVault
from gatewayz.domain.response_cache.kept_answer import KeptAnswer
from gatewayz.sdk.clock import Clock

if TYPE_CHECKING:
    from redis.asyncio import Redis

__all__ = ["SharedAnswers"]

_log = logging.getLogger("gatewayz.response_cache")
_PREFIX: Final = b"gatewayz:answers:"
_ENTRY: Final = msgspec.msgpack.Decoder(KeptAnswer)


class SharedAnswers:
    """Whatever Redis does, nothing is raised: an answer that cannot be had is one that is not there."""

    def __init__(self, redis: "Redis", vault: KeyVault, clock: Clock) -> None:
        self._redis = redis
        self._vault = vault
        self._clock = clock
        self._asked_again_at = 0.0
        self.failures = 0

    @property
    def is_away(self) -> bool:
        """Whether Redis failed a moment ago and is left alone."""
        return self._clock.monotonic() < self._asked_again_at

    async def find(self, key: bytes, retry_s: float) -> KeptAnswer | None:
        """Return an answer that is kept; None also where it was not sealed by this gateway, under this key."""
        if self.is_away:
            return None
        try:
            sealed = await self._redis.get(_PREFIX + key)
        except Exception as err:  # noqa: BLE001  whatever Redis does, the call is answered by a provider
            self._fail(err, retry_s)
            return None
        if not isinstance(sealed, bytes):
            return None
        try:
            return _ENTRY.decode(self._vault.unseal(sealed, _PREFIX + key))
        except (KeyUnreadable, msgspec.DecodeError):
            return None

    async def keep(self, key: bytes, answer: KeptAnswer, ttl_s: float, retry_s: float) -> None:
        """Keep an answer for so long."""
        if self.is_away:
            return
        sealed = self._vault.seal(msgspec.msgpack.encode(answer), _PREFIX + key)
        try:
            await self._redis.set(_PREFIX + key, sealed, px=max(1, int(ttl_s * 1000)))
        except Exception as err:  # noqa: BLE001  as above
            self._fail(err, retry_s)

    def _fail(self, err: Exception, retry_s: float) -> None:
        self.failures += 1
        if not self.is_away:
            _log.warning("answers are neither kept nor found for %g s: %s", retry_s, type(err).__name__)
        self._asked_again_at = self._clock.monotonic() + retry_s
