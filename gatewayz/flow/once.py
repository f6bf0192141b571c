"""A call that carries an id of its caller's: run once, answered again.

The answer is kept before the caller has all of it, so that a repeat sent right afterwards finds it.
"""

import asyncio

import msgspec

from gatewayz.domain.idempotency.idempotency import MAX_ANSWER_BYTES, Answer, Claim, Idempotency, fingerprint
from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.edition import Edition
from gatewayz.flow.pipeline import answer
from gatewayz.flow.relay import StreamBody
from gatewayz.flow.values import Inbound, LeftBehind, Reply

__all__ = ["RecordedStream", "answer_once"]

_GRACE_S = 60.0
_KEPT_FACTS = (
    b"x-provider",
    b"x-model",
    b"x-requested-model",
    b"x-web-search",
    b"x-session-id",
    b"x-session-history",
    b"x-session-history-dropped",
)


async def answer_once(inbound: Inbound, caller: Caller, edition: Edition, idempotency: Idempotency, key: str) -> Reply:
    """Answer a call by running it, or by what its first run answered. Raises GatewayzError.

    :param key: `claim_key` of the request, unique for its user.
    """
    run_s = edition.settings.timeouts.total_s + _GRACE_S
    operation = inbound.format if inbound.session_id is None else f"{inbound.format} {inbound.session_id}"
    found = await idempotency.claim(caller.user_id or 0, key, fingerprint(operation, inbound.body), run_s)
    if isinstance(found, Answer):
        return _replay(found)
    if found.run > 1:  # the ledger knows the id from the run that failed, and takes each only once
        inbound = msgspec.structs.replace(inbound, request_id=f"{inbound.request_id}.{found.run}")
    try:
        reply = await answer(inbound, caller, edition)
    except LeftBehind:  # charged: a repeat must not be charged again
        edition.background.spawn(found.spent())
        raise
    except asyncio.CancelledError:
        edition.background.spawn(found.release())
        raise
    except BaseException:  # cancellation too: let go, then raise again
        await found.release()
        raise
    if isinstance(reply.body, bytes):
        kept = Answer(headers=_kept(reply), body=reply.body)
        try:
            await found.done(kept)
        except asyncio.CancelledError:  # an end is noted once: the first of the two counts
            edition.background.spawn(found.done(kept))
            raise
        return reply
    if not isinstance(reply.body, StreamBody):
        raise TypeError("a reply is bytes or a StreamBody")
    return msgspec.structs.replace(reply, body=RecordedStream(reply.body, reply, found, edition))


class RecordedStream:
    """A stream that is kept for repeats while it passes, if it ends well and is small enough."""

    def __init__(self, body: StreamBody, reply: Reply, claim: Claim, edition: Edition) -> None:
        self._body = body
        self._reply = reply
        self._claim = claim
        self._edition = edition
        self._blocks: list[bytes] = []
        self._room_bytes = MAX_ANSWER_BYTES
        self._is_noted = False

    def __aiter__(self) -> "RecordedStream":
        return self

    async def __anext__(self) -> bytes:
        """Return the next events; the answer is kept before the last of them is returned."""
        block = await self._body.__anext__()
        self._room_bytes -= len(block)
        if self._room_bytes >= 0:
            self._blocks.append(block)
        else:
            self._blocks.clear()
        if self._body.has_ended_well and not self._is_noted:
            self._is_noted = True
            if self._room_bytes >= 0:
                await self._claim.done(Answer(headers=_kept(self._reply), body=b"".join(self._blocks)))
            else:
                await self._claim.spent()
        return block

    async def aclose(self) -> None:
        """Let go; a stream that was cut short has been charged and is not run again for the same id."""
        if not self._is_noted:
            self._is_noted = True
            self._edition.background.spawn(self._claim.spent())
        await self._body.aclose()


def _kept(reply: Reply) -> dict[str, str]:
    kept = {"content-type": reply.content_type.decode()}
    facts = dict(reply.facts)
    kept.update((name.decode(), facts[name].decode()) for name in _KEPT_FACTS if name in facts)
    return kept


def _replay(kept: Answer) -> Reply:
    facts = {name.encode(): value.encode() for name, value in kept.headers.items()}
    content_type = facts.pop(b"content-type")
    return Reply(content_type=content_type, body=kept.body, facts={**facts, b"idempotent-replayed": b"true"})
