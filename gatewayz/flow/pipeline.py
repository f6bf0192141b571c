"""The whole journey of one inference request, on one screen."""

import asyncio
from typing import Final

import msgspec

from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.admit import admit
from gatewayz.flow.cached import CachingStream, cache_place
from gatewayz.flow.converse import KeptStream, Turn, begin_turn, is_in_session
from gatewayz.flow.dispatch import DispatchFailed, Opened, dispatch
from gatewayz.flow.edition import Edition
from gatewayz.flow.ground import begin_search
from gatewayz.flow.guard import guarded
from gatewayz.flow.lanes import JSON
from gatewayz.flow.parse import parse
from gatewayz.flow.relay import StreamBody, whole_body
from gatewayz.flow.route import route
from gatewayz.flow.settle import Bill
from gatewayz.flow.values import Admission, Inbound, LeftBehind, ParsedCall, Reply
from gatewayz.sdk.errors import GatewayzError

__all__ = ["answer"]

_REQUESTED: Final = b"x-requested-model"


async def answer(inbound: Inbound, caller: Caller, edition: Edition) -> Reply:
    """Answer one call of a caller who has been authenticated. Raises GatewayzError.

    Cancelling it at any point closes the upstream and releases or settles the hold.
    """
    turn = search = None
    if edition.guardrails:
        inbound = await guarded(inbound, caller, edition)
    call = parse(inbound, edition)
    if is_in_session(call, inbound):
        turn = await begin_turn(call, inbound, caller, edition)
        inbound = turn.inbound
        call = parse(inbound, edition)
    if "auto_web_search" in call.head.extensions:
        search = begin_search(call, inbound, caller, edition)
        call = search.call
    place = None
    if edition.answers is not None and turn is None and search is None:
        place = cache_place(call, inbound, caller, edition)
        if place is not None and (kept := await place.answer(inbound, caller)) is not None:
            return _known_as(kept, call)
    admission = await admit(caller, call, inbound, edition)
    bill = Bill(call, inbound, caller, admission, edition)
    bill.cache = None if place is None else "miss"
    try:
        if search is not None:
            call, inbound = await search.run()
            bill.asks(call)
        plan = bill.plan = route(call, admission, edition)
        opened = await dispatch(call, inbound, plan, edition)
    except DispatchFailed as failure:
        await bill.void()
        bill.settled(None, failure.attempts, status=failure.error.status, error_code=failure.error.code)
        raise failure.error from failure
    except BaseException:  # cancellation too: let go, then raise again
        edition.background.spawn(bill.void())
        bill.settled(None, (), status=499)
        raise
    facts = _facts(call, admission, opened)
    for part in (turn, search, place):
        if part is not None:
            facts |= part.facts
    if opened.stream is not None:
        stream = (opened, opened.stream, bill, inbound, edition)
        if place is not None:
            body: StreamBody = CachingStream(place, *stream)
        else:
            body = StreamBody(*stream) if turn is None else KeptStream(turn, opened.trial.offer.model, *stream)
        return Reply(content_type=opened.stream.content_type, body=body, facts=facts)
    whole = await _whole(opened, bill, inbound, edition)
    if turn is not None:
        await _keep_turn(turn, whole, opened)
    if place is not None:
        place.keep(opened, whole, bill)
    content_type = JSON if opened.answer is None else opened.answer.content_type
    return Reply(content_type=content_type, body=whole, facts=facts)


async def _keep_turn(turn: Turn, whole: bytes, opened: Opened) -> None:
    try:
        await turn.keep_whole(whole, opened.trial.offer.model)
    except asyncio.CancelledError as left:
        raise LeftBehind from left


def _known_as(reply: Reply, call: ParsedCall) -> Reply:
    """Return a kept answer under the name its model was asked for by this time."""
    return msgspec.structs.replace(reply, facts={**reply.facts, _REQUESTED: _header_text(call.head.model)})


async def _whole(opened: Opened, bill: Bill, inbound: Inbound, edition: Edition) -> bytes:
    try:
        return await whole_body(opened, bill, inbound, edition)
    except GatewayzError as error:
        attempt = opened.trial.succeeded()  # the provider did its part
        bill.settled(None, (*opened.failed, attempt), status=error.status, error_code=error.code)
        raise
    except BaseException as fault:  # cancellation too: let go, then raise again
        edition.background.spawn(_settle_left_behind(opened, bill))
        if isinstance(fault, asyncio.CancelledError) and opened.answer is not None:
            raise LeftBehind from fault
        raise


async def _settle_left_behind(opened: Opened, bill: Bill) -> None:
    """Charge an answer that arrived although its caller has left: the provider was paid for it."""
    answer = opened.answer
    if answer is not None:
        usage = await bill.usage_of(opened.trial.offer, answer)
        charge = await bill.capture(opened.trial.offer, usage)
        bill.settled(charge, (*opened.failed, opened.trial.succeeded()), status=499)
    else:
        bill.release_limits()


def _facts(call: ParsedCall, admission: Admission, opened: Opened) -> dict[bytes, bytes]:
    """Headers about who answered. Source: spec 01 §1.4, spec 00 §5.6."""
    facts = {
        b"x-provider": opened.trial.offer.provider.encode(),
        b"x-model": opened.trial.offer.model.encode(),
        _REQUESTED: _header_text(call.head.model),
    }
    facts.update(admission.headers)
    return facts


def _header_text(name: str) -> bytes:
    """Return a caller's word as a header value: printable ASCII, bounded."""
    if name.isascii() and name.isprintable():
        return name[:256].encode()
    return "".join(c if c.isprintable() else "?" for c in name[:256]).encode("ascii", "replace")
