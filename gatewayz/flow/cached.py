"""An answer that was given before, to the same call of the same tenant. Most calls never see this file.

Source: spec 00 §15; docs/decisions/0192-what-is-the-same-call.md, 0193-prices-of-hits.md.
"""

import asyncio
from datetime import datetime
from hashlib import sha256
from typing import Any, Final

import msgspec

from gatewayz.config.sections.caching import ResponseCache as Rules
from gatewayz.dialects.completeness import JUDGED_FORMATS, ended_well
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.response_cache.directives import Directives, read_directives
from gatewayz.domain.response_cache.kept_answer import KeptAnswer
from gatewayz.domain.response_cache.response_cache import ResponseCache
from gatewayz.flow.admit import admit
from gatewayz.flow.dispatch import Opened
from gatewayz.flow.edition import Edition
from gatewayz.flow.lanes import EVENT_STREAM, JSON
from gatewayz.flow.relay import StreamBody
from gatewayz.flow.settle import Bill, gateway_usage
from gatewayz.flow.values import Admission, Inbound, LeftBehind, ParsedCall, Plan, Reply
from gatewayz.sdk.interfaces import Charge
from gatewayz.sdk.money import Nano, usd_float
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.wire import Headers

__all__ = ["CachePlace", "CachingStream", "answer_key", "cache_place"]

_MEMBER: Final = b'"gateway_usage":'
_NOT_THE_CALL: Final = ("model", "stream")
"""Members that are told apart otherwise: by the model they resolve to, and beside the others."""
_STATEFUL: Final = "conversation"
"""A conversation that its provider keeps grows with every call: no two calls are the same."""
_REASON: Final = "answered from the response cache"


def cache_place(call: ParsedCall, inbound: Inbound, caller: Caller, edition: Edition) -> "CachePlace | None":
    """Return where the answer to a call is kept; None when it may neither be found nor kept."""
    answers, rules = edition.answers, edition.settings.response_cache
    if answers is None or caller.user_id is None or call.format not in JUDGED_FORMATS:
        return None
    choice = caller.lets_answers_be_kept
    if not (rules.default_on if choice is None else choice):
        return None
    extensions = call.head.extensions
    if extensions.get("cache") is False or _STATEFUL in call.head.fields:
        return None
    directives = read_directives(inbound.cache_control)
    if not directives.may_keep:
        return None
    tenant = f"user {caller.user_id}"
    if rules.scope == "key":
        tenant += f" key {caller.key_id}"
    try:
        key = answer_key(call, inbound.headers, tenant, answers.generation)
    except (msgspec.DecodeError, RecursionError):  # numbers beyond a float, in parts that go to providers unread
        return None
    return CachePlace(key, call, answers, directives, edition)


def answer_key(call: ParsedCall, headers: Headers, tenant: str, generation: int) -> bytes:
    """Return the key of a call: a digest of everything it says, whatever the order and spacing of its JSON.

    Left out are the name the model was asked for by (the model it resolves to is in) and `cache`.
    """
    fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(call.head.fields))
    for name in _NOT_THE_CALL:
        fields.pop(name, None)
    extensions = {name: value for name, value in call.head.extensions.items() if name != "cache"}
    told = {
        "tenant": tenant,
        "generation": generation,
        "format": call.format,
        "model": call.model.id,
        "stream": call.head.stream,
        "provider": call.head.provider,
        "extensions": extensions,
        "headers": [(name.decode("latin-1"), value.decode("latin-1")) for name, value in sorted(headers)],
        "fields": fields,
    }
    return sha256(msgspec.json.encode(told, order="sorted")).hexdigest().encode()


class CachePlace:
    """Where the answer to one call is kept."""

    def __init__(
        self, key: bytes, call: ParsedCall, answers: ResponseCache, directives: Directives, edition: Edition
    ) -> None:
        self._key = key
        self._call = call
        self._answers = answers
        self._directives = directives
        self._edition = edition
        self.facts = {b"x-cache": b"MISS"}
        """Headers of an answer that a provider makes."""
        self._rules: Rules = edition.settings.response_cache

    @property
    def room_bytes(self) -> int:
        """How long an answer may be."""
        return self._rules.max_answer_bytes

    async def answer(self, inbound: Inbound, caller: Caller) -> Reply | None:
        """Return the kept answer, admitted and charged as one; None when there is none. Raises as `admit`."""
        call, edition, kept = self._call, self._edition, None
        if self._directives.may_find:
            kept = await self._answers.find(self._key, self._rules, self._directives.max_age_s)
        offer = None if kept is None else _offer(kept, call)
        self._answers.count(is_hit=offer is not None)
        if kept is None or offer is None:
            return None
        full, cost = _costs(offer, kept, self._rules.hit_price_percent)
        admission = await admit(caller, call, inbound, edition, known_cost=cost.total)
        bill = Bill(call, inbound, caller, admission, edition)
        bill.cache, bill.plan = "hit", Plan(offers=(), reason=_REASON)
        charge = await self._charged(bill, admission, offer, kept, cost)
        bill.saved = Nano(full.total - charge.charged)
        bill.settled(charge, ())
        facts = {
            b"x-provider": offer.provider.encode(),
            b"x-model": offer.model.encode(),
            b"x-cache": b"HIT",
            b"age": b"%d" % _age_s(kept, edition.clock.now()),
            **dict(admission.headers),
        }
        if call.head.stream:
            facts |= {b"cache-control": b"no-cache, no-transform", b"x-accel-buffering": b"no"}
        body = kept.told(_spent(charge, bill.saved, kept, (edition.clock.monotonic() - inbound.started) * 1000.0))
        return Reply(content_type=EVENT_STREAM if call.head.stream else JSON, body=body, facts=facts)

    async def _charged(self, bill: Bill, admission: Admission, offer: Offer, kept: KeptAnswer, cost: Cost) -> Charge:
        billing, background = self._edition.billing, self._edition.background

        async def charge() -> Charge:
            return await billing.capture(admission.hold, offer, kept.usage, cost)

        async def charge_left_behind() -> None:
            bill.settled(await charge(), (), status=499)

        try:
            return await charge()
        except asyncio.CancelledError as left:  # the charge may have been made: to make it again has one effect
            background.spawn(charge_left_behind())
            raise LeftBehind from left
        except BaseException:
            background.spawn(bill.void())
            bill.settled(None, (), status=499)
            raise

    def keep(self, opened: Opened, body: bytes, bill: Bill) -> None:
        """Keep an answer that is complete, in the background; others are left out."""
        if bill.spent is None or len(body) > self.room_bytes:
            return
        charge, spent = bill.spent
        shown = msgspec.json.encode(spent)
        at = body.rfind(_MEMBER + shown)
        if at < 0 or not ended_well(self._call.format, body, stream=self._call.head.stream):
            return
        offer = opened.trial.offer
        answer = KeptAnswer(
            body=body,
            spent_from=at + len(_MEMBER),
            spent_to=at + len(_MEMBER) + len(shown),
            usage=charge.usage,
            provider=offer.provider,
            model=offer.model,
            upstream_model=offer.upstream_model,
            dropped=tuple(spent.get("dropped", ())),
            made_at=self._edition.clock.now(),
        )
        self._edition.background.spawn(self._answers.keep(self._key, answer, self._rules))


class CachingStream(StreamBody):
    """A stream that is kept when it has ended well, and is short enough."""

    def __init__(self, place: CachePlace, opened: Opened, *of_stream: Any) -> None:
        super().__init__(opened, *of_stream)
        self._place = place
        self._opened = opened
        self._blocks: list[bytes] = []
        self._room_bytes = place.room_bytes

    async def __anext__(self) -> bytes:
        """Return the next whole events. See `StreamBody.__anext__`."""
        block = await super().__anext__()
        self._room_bytes -= len(block)
        if self._room_bytes >= 0:
            self._blocks.append(block)
            if self.has_ended_well:
                body = b"".join(self._blocks)
                self._place.keep(self._opened, body, self._bill)
        elif self._blocks:
            self._blocks.clear()
        return block


def _offer(kept: KeptAnswer, call: ParsedCall) -> Offer | None:
    """Return who gave the answer; None where the call would not be sent there any more, or has no price."""
    for offer in call.model.offers:
        if (offer.provider, offer.model, offer.upstream_model) == (kept.provider, kept.model, kept.upstream_model):
            return offer if offer.price is not None else None
    return None


def _costs(offer: Offer, kept: KeptAnswer, percent: int) -> tuple[Cost, Cost]:
    """Return what the call would cost today, and what it costs from the cache: each part rounded down."""
    if offer.price is None:
        raise ValueError(f"offer of {offer.model} at {offer.provider} has no price")  # `_offer` lets none through
    full = offer.price.cost(kept.usage)
    parts = (Nano(part * percent // 100) for part in (full.input, full.output, full.other))
    return full, Cost(**dict(zip(("input", "output", "other"), parts, strict=True)))


def _spent(charge: Charge, saved: Nano, kept: KeptAnswer, elapsed_ms: float) -> bytes:
    shown = {**gateway_usage(charge, elapsed_ms, kept.dropped), "cache": "hit", "saved_usd": usd_float(saved)}
    return msgspec.json.encode(shown)


def _age_s(kept: KeptAnswer, now: datetime) -> int:
    return max(0, int((now - kept.made_at).total_seconds()))
