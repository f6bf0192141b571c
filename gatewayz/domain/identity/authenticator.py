"""From a credential to its caller: from memory when the key has been seen, from the store when not.

What is remembered is trusted because a feed of changes is followed (`follow`): a key changed or
revoked anywhere is forgotten here within `poll_s`. While the database is away, keys already seen
go on working for `STALE_S`; unknown ones are refused with 503, never with 401.
Source: design 5; spec 00 §2, §3.
"""

import asyncio
import logging
from collections import OrderedDict
from functools import partial
from hashlib import sha256
from typing import Final

import msgspec

from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.identity.holders import caller_of
from gatewayz.domain.identity.keys import KeyVault, has_key_shape
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import AuthenticationFailed, StoreUnavailable
from gatewayz.store.ports import IdentityStore
from gatewayz.store.records import IdentityChange

__all__ = ["Authenticator", "AuthenticatorStats"]

STALE_S: Final = 600.0
"""How long keys already seen work while the feed of changes cannot be read."""
REFRESH_S: Final = 300.0
"""Age at which a used entry is read again, beside the request; the feed makes this a second net."""
REFUSAL_S: Final = 1.0
"""How long a refused key is refused without a query."""
REFUSALS: Final = 10_000
LOADS_AT_ONCE: Final = 512
"""Unknown keys looked up at the same time; more are told to come back."""
POLL_TIMEOUT_S: Final = 5.0

logger = logging.getLogger("gatewayz.identity")


class AuthenticatorStats(msgspec.Struct, frozen=True, kw_only=True):
    """Figures for metrics and `/auth/health`."""

    entries: int
    hits: int
    loads: int
    refused: int
    is_feed_current: bool
    """False while the feed of changes cannot be read."""


class _Entry:
    __slots__ = ("caller", "refresh_at")

    def __init__(self, caller: Caller, refresh_at: float) -> None:
        self.caller = caller
        self.refresh_at = refresh_at


class Authenticator:
    """Finds callers.

    :param cache_entries: keys remembered; the one not used for longest is forgotten first.
    :param poll_s: how often the feed of changes is read by `follow`.
    """

    def __init__(
        self, store: IdentityStore, vault: KeyVault, clock: Clock, *, cache_entries: int = 100_000, poll_s: float = 0.5
    ) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._limit = cache_entries
        self._poll_s = poll_s
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._digests: dict[int, set[bytes]] = {}
        """User id to the entries of that user."""
        self._refusals: OrderedDict[bytes, tuple[float, AuthenticationFailed]] = OrderedDict()
        self._loading: dict[bytes, asyncio.Task[Caller]] = {}
        self._refreshing: set[asyncio.Task[None]] = set()
        self._revision: int | None = None
        self._changes_seen = 0
        self._trusted_until = clock.monotonic() + STALE_S
        self._is_feed_current = True
        self._hits = self._loads = self._refused = 0

    def cached(self, credential: bytes) -> Caller | None:
        """Return the caller of a key seen before, None when `load` must find it; about a microsecond.

        Raises AuthenticationFailed for a key that expired, or was refused a moment ago.
        """
        digest = sha256(credential).digest()  # the full digest: two keys with one prefix are two keys
        entry = self._entries.get(digest)
        if entry is None:
            if self._refusals:
                self._check_refused(digest)
            return None
        now = self._clock.monotonic()
        if now >= self._trusted_until:
            return None
        caller = entry.caller
        if caller.expires_at is not None and self._clock.now() >= caller.expires_at:
            self._forget(digest)
            raise AuthenticationFailed("This API key has expired.", code="API_KEY_EXPIRED")
        if now >= entry.refresh_at:
            entry.refresh_at = now + REFRESH_S
            task = asyncio.ensure_future(self._refresh(digest, credential))
            self._refreshing.add(task)
            task.add_done_callback(self._refreshing.discard)
        self._entries.move_to_end(digest)
        self._hits += 1
        return caller

    async def load(self, credential: bytes) -> Caller:
        """Return the caller of a key, asking the store once however many requests wait for it.

        Raises AuthenticationFailed (401), StoreUnavailable (503).
        """
        if not has_key_shape(credential):
            self._refused += 1
            raise AuthenticationFailed("This API key is not valid.")
        digest = sha256(credential).digest()
        task = self._loading.get(digest)
        if task is None:
            if len(self._loading) >= LOADS_AT_ONCE:
                raise StoreUnavailable("Too many unknown keys at once.", retry_after_s=1.0)
            task = self._loading[digest] = asyncio.ensure_future(self._load(digest, credential))
            task.add_done_callback(partial(self._loaded, digest))
        return await asyncio.shield(task)

    async def authenticate(self, credential: bytes) -> Caller:
        """Return the caller of a key. Raises AuthenticationFailed (401), StoreUnavailable (503)."""
        return self.cached(credential) or await self.load(credential)

    async def holder_of(self, key_id: int) -> Caller:
        """Return the caller of a key known by its id: work that goes on after its request asks the store each time.

        Raises AuthenticationFailed when the key is not in force any more, StoreUnavailable.
        """
        return caller_of(await self._store.find_holder_of_id(key_id), self._clock.now())

    async def follow(self) -> None:
        """Read the feed of changes until cancelled; the application runs this beside the requests."""
        while True:
            try:
                await self.catch_up()
            except Exception:  # the feed must outlive any one failure: without it revocation would stop
                self._is_feed_current = False
                logger.exception("changes of keys cannot be read")
            await asyncio.sleep(self._poll_s)

    async def catch_up(self) -> None:
        """Read the feed once and forget whoever changed. A store that is away is noted, not raised."""
        try:
            async with asyncio.timeout(POLL_TIMEOUT_S):
                changes = await self._read_feed()
        except (StoreUnavailable, TimeoutError) as err:
            if self._is_feed_current:
                left_s = max(0.0, self._trusted_until - self._clock.monotonic())
                logger.warning("changes of keys cannot be read (%s); known keys work for %.0f s more", err, left_s)
            self._is_feed_current = False
            return
        if not self._is_feed_current:
            logger.info("changes of keys are read again")
        self._is_feed_current = True
        self._trusted_until = self._clock.monotonic() + STALE_S
        for change in changes:
            self._apply(change)

    def stats(self) -> AuthenticatorStats:
        """Return the figures of this process."""
        return AuthenticatorStats(
            entries=len(self._entries),
            hits=self._hits,
            loads=self._loads,
            refused=self._refused,
            is_feed_current=self._is_feed_current,
        )

    async def aclose(self) -> None:
        """Let running look-ups end."""
        running = [*self._loading.values(), *self._refreshing]
        if running:
            await asyncio.wait(running)

    async def _read_feed(self) -> list[IdentityChange]:
        if self._revision is None:
            revision = await self._store.identity_revision()
            # Entries made before the feed was known may have missed a change.
            return [IdentityChange(revision=revision, user_id=None)]
        return list(await self._store.list_identity_changes(self._revision))

    def _apply(self, change: IdentityChange) -> None:
        self._revision = change.revision
        self._changes_seen += 1
        self._refusals.clear()
        if change.user_id is None:
            self._entries.clear()
            self._digests.clear()
            return
        for digest in self._digests.pop(change.user_id, ()):
            self._entries.pop(digest, None)

    async def _load(self, digest: bytes, credential: bytes) -> Caller:
        lookup_hash = self._vault.lookup_hash(credential)
        while True:
            seen = self._changes_seen
            self._loads += 1
            holder = await self._store.find_holder(lookup_hash)
            # A change that was told of while the row was on its way may not be in it.
            if seen == self._changes_seen:
                break
        try:
            caller = caller_of(holder, self._clock.now())
        except AuthenticationFailed as err:
            self._refuse(digest, err)
            raise
        self._remember(digest, caller)
        return caller

    async def _refresh(self, digest: bytes, credential: bytes) -> None:
        """Read an entry again beside the request that uses it."""
        try:
            await self._load(digest, credential)
        except (AuthenticationFailed, StoreUnavailable) as err:
            logger.debug("a known key could not be read again: %s", err.code)

    def _loaded(self, digest: bytes, done: asyncio.Task[Caller]) -> None:
        del self._loading[digest]
        if not done.cancelled():
            done.exception()  # whoever waited has been told; nobody may be waiting any more

    def _remember(self, digest: bytes, caller: Caller) -> None:
        self._entries[digest] = _Entry(caller, self._clock.monotonic() + REFRESH_S)
        if caller.user_id is not None:
            self._digests.setdefault(caller.user_id, set()).add(digest)
        while len(self._entries) > self._limit:
            self._forget(next(iter(self._entries)))

    def _forget(self, digest: bytes) -> None:
        entry = self._entries.pop(digest, None)
        if entry is None or entry.caller.user_id is None:
            return
        digests = self._digests.get(entry.caller.user_id)
        if digests is not None:
            digests.discard(digest)
            if not digests:
                del self._digests[entry.caller.user_id]

    def _refuse(self, digest: bytes, err: AuthenticationFailed) -> None:
        self._refused += 1
        self._forget(digest)
        self._refusals[digest] = (self._clock.monotonic() + REFUSAL_S, err)
        if len(self._refusals) > REFUSALS:
            self._refusals.popitem(last=False)

    def _check_refused(self, digest: bytes) -> None:
        """Raise again what the key was refused with, while that is fresh."""
        refused = self._refusals.get(digest)
        if refused is None:
            return
        until, err = refused
        if self._clock.monotonic() < until:
            self._refused += 1
            raise AuthenticationFailed(err.message, code=err.code)
        del self._refusals[digest]
