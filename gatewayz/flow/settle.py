"""Pay for what was delivered, once."""

import asyncio
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from gatewayz.dialects.caller import GatewayUsage
from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.edition import Edition
from gatewayz.flow.lanes import WholeAnswer
from gatewayz.flow.media import measured
from gatewayz.flow.outcomes import listen
from gatewayz.flow.values import Admission, Inbound, ParsedCall, Plan
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.sdk.interfaces import Charge
from gatewayz.sdk.money import Nano, usd_float
from gatewayz.sdk.observe import Attempt, CacheUse, Settlement
from gatewayz.sdk.offers import Offer, Price, size_percent
from gatewayz.sdk.usage import Usage

_log = logging.getLogger("gatewayz.flow")
_TOKENS_PER_IMAGE: Final = 100
"""What is shown for a picture whose provider counts no tokens. Source: spec 08 §1."""
_RETRY_DELAYS_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 40.0, 60.0)

__all__ = ["Bill", "gateway_usage", "told"]


class Bill:
    """One request's account, from admission to its single settlement.

    `capture` and `void` take effect even when the one who awaits them is cancelled: that is the
    contract of a billing backend. Repeating either changes nothing.
    """

    def __init__(
        self, call: ParsedCall, inbound: Inbound, caller: Caller, admission: Admission, edition: Edition
    ) -> None:
        self._call = call
        self._inbound = inbound
        self._caller = caller
        self._edition = edition
        self._settled = False
        self.hold = admission.hold
        self.plan: Plan | None = None
        """What was routed to; none before that."""
        self._lease = admission.lease
        self.ending = listen(call, inbound, caller)
        """Who is to be told how the answer ended."""
        self.cache: CacheUse | None = None
        """What the response cache did; None: it was not asked."""
        self.saved = Nano(0)
        """What a hit cost less than the call itself would have."""
        self.spent: tuple[Charge, GatewayUsage] | None = None
        """What was charged, and what the answer says of it."""

    def asks(self, call: ParsedCall) -> None:
        """Go by the call as it is sent: it grew after it was admitted, within what was held for it."""
        self._call = call

    async def capture(self, offer: Offer, usage: Usage) -> Charge:
        """Charge the true cost of a usage at an offer's price."""
        return await self._edition.billing.capture(self.hold, offer, usage, _price(offer).cost(usage))

    async def capture_when_possible(self, offer: Offer, usage: Usage) -> None:
        """Charge as soon as the store answers again; what cannot be charged in two minutes is left to the sweep.

        Source: spec 00 §6.4 (deduction failure), design 4 (orphaned holds).
        """
        for delay_s in _RETRY_DELAYS_S:
            await asyncio.sleep(delay_s)
            try:
                await self.capture(offer, usage)
                return
            except StoreUnavailable as err:
                _log.warning("the charge of %s waits: %s", self.hold.key, err.message)
        _log.error("the charge of %s was not booked; its hold is settled by the sweep", self.hold.key)

    async def void(self) -> None:
        """Release the hold: nothing was delivered."""
        await self._edition.billing.void(self.hold)

    async def extend_for(self, offer: Offer, characters: int) -> None:
        """Note what a running stream has delivered, and raise the hold ahead of it.

        Raises PaymentRequired, StoreUnavailable.

        Steps are half as large again as what has been used, so a long answer costs a few extensions.
        Source: design 4.
        """
        if self.hold.account is None:
            return
        used = self.estimated_cost(offer, characters)
        self._edition.billing.mark(self.hold, Nano(min(used, self.hold.amount)))
        if used * 5 > self.hold.amount * 4:
            self.hold = await self._edition.billing.extend(self.hold, Nano(used + used // 2 + 1))

    def estimated_cost(self, offer: Offer, characters: int) -> int:
        """Return the nano-dollars of a text of this length, counted cheaply and not too low."""
        usage = Usage(input_tokens=self._call.prompt_tokens, output_tokens=characters // 3 + 1)
        return _price(offer).cost(usage).total

    async def usage_of(self, offer: Offer, answer: WholeAnswer) -> Usage:
        """Return what a whole answer is charged by: the provider's count, else an estimate."""
        usage = told(answer.usage)
        if usage is None:
            return await self.estimated_usage(offer, answer.text)
        media = self._call.head.media
        return usage if media is None else measured(usage, media)

    async def estimated_usage(self, offer: Offer, text: Callable[[], str], characters: int | None = None) -> Usage:
        """Return the counted usage of a delivered text, for providers that did not say.

        :param characters: length of what was delivered, as `learn` is told of finished streams.
        """
        if self._call.head.media is not None:
            return msgspec.structs.replace(self._call.head.media, source="estimated")
        model, tokens = offer.model, self._edition.tokens
        output = 0 if characters == 0 else None
        if characters:
            output = tokens.learnt(model, characters)
        if output is None:
            output = await tokens.count([text()], model)
        return Usage(input_tokens=self._call.prompt_tokens, output_tokens=output, source="estimated")

    def learn(self, offer: Offer, characters: int, usage: Usage) -> None:
        """Note how many tokens the provider counted for a text that was delivered whole."""
        self._edition.tokens.learn(offer.model, characters, usage.completion_tokens)

    def release_limits(self) -> None:
        """Give back what the call took of its limits: nothing came of it."""
        if self._lease is not None:
            self._lease.release()

    def settled(
        self,
        charge: Charge | None,
        attempts: tuple[Attempt, ...],
        *,
        status: int = 200,
        error_code: str | None = None,
        first_content_ms: float | None = None,
    ) -> None:
        """Tell the observers, once."""
        if self._settled:
            return
        self._settled = True
        if self._lease is not None:
            self._lease.correct(0 if charge is None or self.cache == "hit" else charge.usage.total_tokens)
        self._edition.observers.request_settled(
            Settlement(
                request_id=self._inbound.request_id,
                operation=self._call.format,
                requested_model=self._call.head.model,
                model=self._call.model.id,
                user_id=self._caller.user_id,
                key_id=self._caller.key_id,
                charge=charge,
                attempts=attempts,
                offers=self._call.model.offers,
                candidates=() if self.plan is None else self.plan.offers,
                reason="" if self.plan is None else self.plan.reason,
                status=status,
                error_code=error_code,
                stream=self._call.head.stream,
                app=self._inbound.app,
                duration_ms=(self._edition.clock.monotonic() - self._inbound.started) * 1000.0,
                first_content_ms=first_content_ms,
                cache=self.cache,
                saved=self.saved,
            )
        )


def gateway_usage(charge: Charge, elapsed_ms: float, dropped: tuple[str, ...]) -> GatewayUsage:
    """Return the `gateway_usage` object. Source: spec 01 §1.4; `cost_usd` is what was charged (design 11)."""
    usage, cost = charge.usage, charge.cost
    shown: dict[str, object] = {
        "provider": charge.offer.provider,
        "cost_usd": usd_float(charge.charged),
        "input_cost_usd": usd_float(cost.input),
        "output_cost_usd": usd_float(cost.output),
        "processing_time_ms": round(elapsed_ms),
        "request_ms": round(elapsed_ms),
        "tokens_charged": usage.total_tokens,
        "usage_source": usage.source,
    }
    if usage.has_media:
        shown |= _media_usage(charge)
    if dropped:
        shown["dropped"] = dropped
    if charge.balance is not None:
        shown["balance_usd"] = usd_float(charge.balance)
    return shown


def _media_usage(charge: Charge) -> dict[str, object]:
    """Return what is told of pictures and sound besides. Source: spec 08 §1, §2."""
    usage = charge.usage
    shown: dict[str, object] = {"used_fallback_pricing": False}  # nothing is called without a price of its own
    if charge.balance is not None:
        shown["user_balance_after"] = usd_float(charge.balance)
    if usage.images:
        shown |= {
            "tokens_charged": usage.total_tokens or _TOKENS_PER_IMAGE * usage.images,
            "images_generated": usage.images,
            "cost_per_image": usd_float(charge.charged) / usage.images,
            "size": usage.image_size,
            "resolution_multiplier": size_percent(usage.image_size) / 100,
        }
    return shown


def told(usage: Usage | None) -> Usage | None:
    """Return the provider's count. One of nothing at all is none: a provider that reports zeros would be free."""
    return usage if usage is not None and (usage.total_tokens or usage.has_media) else None


def _price(offer: Offer) -> Price:
    if offer.price is None:
        raise ValueError(f"offer of {offer.model} at {offer.provider} has no price")  # the catalog lets none through
    return offer.price
