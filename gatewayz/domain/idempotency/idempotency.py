"""One run for each id a caller gives its request; repeats get the first answer again.

Source: design 3, docs/decisions/0093-one-run-per-caller-id.md.
"""

import asyncio
import itertools
import logging
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, Protocol

import msgspec

from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import Conflict, InvalidRequest, SchemaInvalid, StoreUnavailable
from gatewayz.store.idempotency_records import Claimed, Earlier, Outcome, Run, State

__all__ = ["MAX_ANSWER_BYTES", "Answer", "Claim", "ClaimStore", "Idempotency", "claim_key", "fingerprint"]

_log = logging.getLogger("gatewayz.idempotency")
MAX_ANSWER_BYTES: Final = 256 * 1024
_KEPT_MS: Final = 24 * 3600 * 1000
_MAX_KEY_CHARACTERS: Final = 255
_LOOK_EVERY_S: Final = 1.0
_FORGET_EVERY: Final = 60
"""Looks."""
_MAX_WAITING_BYTES: Final = 32 * 1024 * 1024
"""Of answers that wait for the store; those beyond are not given again, and not run again either."""
_FINAL: Final = {"x-should-retry": "false"}
"""SDKs repeat a 409 by themselves unless told not to."""


class ClaimStore(Protocol):
    """The store, as far as it is used here. Each raises StoreUnavailable."""

    async def claim(
        self, user_id: int, key: str, fingerprint: str, now_ms: int, expires_ms: int
    ) -> Claimed | Earlier | None:
        """Claim a key, or return what an earlier request made of it; None when that has just been forgotten."""
        ...

    async def finish(self, run: Run, outcome: Outcome) -> bool:
        """Note how a run ended; False when the claim has passed to a later run."""
        ...

    async def renew(self, run: Run, expires_ms: int) -> None:
        """Move the moment from which a run is taken to have crashed."""
        ...

    async def forget(self, ended_ms: int, running_ms: int) -> int:
        """Forget ends that expired before one moment and runs that expired before another."""
        ...


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A good answer: `headers` holds its content type and who answered."""

    headers: Mapping[str, str]
    body: bytes


class Claim:
    """The right to run a request. Ends once: `done`, `spent` or `release`; none of them raises StoreUnavailable."""

    def __init__(self, ends: "Idempotency", run: Run, run_ms: int, expires_ms: int) -> None:
        self._ends = ends
        self.id = run
        self.run_ms = run_ms
        """How long the run is believed in without a sign of life."""
        self.expires_ms = expires_ms

    @property
    def run(self) -> int:
        """The how manieth run of the request this is."""
        return self.id.number

    async def done(self, answer: Answer) -> None:
        """Keep the answer for repeats; one that is too large is spent."""
        if len(answer.body) > MAX_ANSWER_BYTES:
            await self.spent()
            return
        await self._ends.end(self, "done", msgspec.json.encode(answer.headers), answer.body)

    async def spent(self) -> None:
        """Note that the request was charged and cannot be answered again."""
        await self._ends.end(self, "spent")

    async def release(self) -> None:
        """Let the next request with the key run: this one failed."""
        await self._ends.end(self, "released")


class Idempotency:
    """Claims requests for their callers, and looks after the claims of this process until they have ended."""

    def __init__(self, store: ClaimStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._running: dict[Run, Claim] = {}
        self._unwritten: dict[Run, Outcome] = {}
        """Ends that the store could not be told of; their claims go on being renewed until it has been."""

    @property
    def running(self) -> int:
        """How many claims of this process have not ended."""
        return len(self._running)

    async def claim(self, user_id: int, key: str, request: str, run_s: float) -> Claim | Answer:
        """Return the claim when the request is to run, or the answer of the run there was.

        :param request: `fingerprint` of the request.
        :param run_s: seconds after which a run without an end is taken to have crashed.
        Raises Conflict (409), SchemaInvalid (422) for another request under the same key, StoreUnavailable (503).
        """
        now_ms, run_ms = _now_ms(self._clock), int(run_s * 1000)
        found = await self._store.claim(user_id, key, request, now_ms, now_ms + run_ms)
        if isinstance(found, Claimed):
            run = Run(user_id=user_id, key=key, number=found.run)
            claim = self._running[run] = Claim(self, run, run_ms, now_ms + run_ms)
            return claim
        if found is None:
            raise _running()
        return _replayed(found, request)

    async def end(self, claim: Claim, state: State, headers: bytes | None = None, body: bytes | None = None) -> None:
        """Note how a run ended, now or as soon as the store is back."""
        outcome = Outcome(state=state, expires_ms=_now_ms(self._clock) + _KEPT_MS, headers=headers, body=body)
        try:
            await self._store.finish(claim.id, outcome)
        except StoreUnavailable as err:  # the request has its answer; a repeat must not be a second, charged run
            _log.warning("the end of a claimed request is noted later: %s", err.message)
            self._unwritten[claim.id] = self._affordable(outcome)
        else:
            self._running.pop(claim.id, None)

    async def run(self) -> None:
        """Look after claims every second and forget what has expired once a minute, until cancelled."""
        for second in itertools.count(1):
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                await self.look_after()
                if not second % _FORGET_EVERY:
                    await self.forget()
            except StoreUnavailable as err:
                _log.debug("claims of requests are looked after later: %s", err.message)

    async def look_after(self) -> None:
        """Write the ends that could not be written, renew the claims of runs that go on. Raises StoreUnavailable."""
        for run, outcome in list(self._unwritten.items()):
            await self._store.finish(run, outcome)
            del self._unwritten[run]
            self._running.pop(run, None)
        now_ms = _now_ms(self._clock)
        due = [claim for claim in self._running.values() if claim.expires_ms - now_ms < claim.run_ms // 2]
        for claim in due:
            expires_ms = now_ms + claim.run_ms
            await self._store.renew(claim.id, expires_ms)
            claim.expires_ms = expires_ms

    async def aclose(self) -> None:
        """Try once more to write what could not be written."""
        try:
            await self.look_after()
        except StoreUnavailable as err:
            _log.warning("the ends of %d claimed requests are lost: %s", len(self._unwritten), err.message)

    def _affordable(self, outcome: Outcome) -> Outcome:
        """Return the end without its answer when the answers that wait are too many to keep."""
        waiting = sum(len(each.body or b"") for each in self._unwritten.values())
        if waiting + len(outcome.body or b"") <= _MAX_WAITING_BYTES:
            return outcome
        return Outcome(state="spent", expires_ms=outcome.expires_ms)

    async def forget(self) -> int:
        """Forget what has expired; return how many. Raises StoreUnavailable.

        A run without an end is remembered for another day: its number keeps the ledger's keys apart.
        """
        now_ms = _now_ms(self._clock)
        return await self._store.forget(now_ms, now_ms - _KEPT_MS)


def claim_key(idempotency_key: bytes | None, request_id: str) -> str:
    """Return the key of a request's claim; the header made for it comes first. Raises InvalidRequest."""
    if idempotency_key is None:
        return "request:" + request_id
    text = idempotency_key.decode("latin-1").strip()
    if not text or len(text) > _MAX_KEY_CHARACTERS or not (text.isascii() and text.isprintable()):
        raise InvalidRequest(
            f"Idempotency-Key must be 1 to {_MAX_KEY_CHARACTERS} printable ASCII characters.", param="Idempotency-Key"
        )
    return "key:" + text


def fingerprint(operation: str, body: bytes) -> str:
    """Return what tells one request from another; all operations are POST."""
    return sha256(b"\0".join((operation.encode(), body))).hexdigest()


def _replayed(found: Earlier, request: str) -> Answer:
    if found.fingerprint != request:
        raise SchemaInvalid(
            "This id was used for a different request. Send a new Idempotency-Key (or X-Request-ID).",
            code="IDEMPOTENCY_MISMATCH",
            param="Idempotency-Key",
        )
    if found.state == "done" and found.headers is not None and found.body is not None:
        return Answer(headers=msgspec.json.decode(found.headers, type=dict[str, str]), body=found.body)
    if found.state == "spent":
        raise Conflict(
            "The request with this id was made and charged, and its answer was not kept: it was cut short or is"
            " larger than 256 KB. Send a new id to make it again.",
            code="IDEMPOTENCY_CONFLICT",
            headers=_FINAL,
        )
    raise _running()


def _running() -> Conflict:
    return Conflict("A request with this id is still running.", code="IDEMPOTENCY_CONFLICT", retry_after_s=1)


def _now_ms(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1000)
