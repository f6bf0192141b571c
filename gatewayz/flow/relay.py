"""The answer, on its way to the caller: whole, or a stream that owns its upstream and its hold."""

from gatewayz.flow.dispatch import Opened
from gatewayz.flow.edition import Edition
from gatewayz.flow.lanes import OpenStream
from gatewayz.flow.routing_metadata import add_routing_metadata
from gatewayz.flow.settle import Bill, gateway_usage, told
from gatewayz.flow.trial import Trial
from gatewayz.flow.values import Inbound
from gatewayz.sdk.errors import GatewayzError, PaymentRequired, StoreUnavailable, UpstreamError
from gatewayz.sdk.interfaces import Charge

__all__ = ["StreamBody", "whole_body"]

_EXTEND_EVERY_CHARACTERS = 512
"""How often a running stream compares its hold with what it has delivered."""


async def whole_body(opened: Opened, bill: Bill, inbound: Inbound, edition: Edition) -> bytes:
    """Return the body of a whole answer, charged."""
    answer, trial = opened.answer, opened.trial
    if answer is None:
        raise TypeError("the call was opened as a stream")
    usage = await bill.usage_of(trial.offer, answer)
    charge = await bill.capture(trial.offer, usage)
    attempts = (*opened.failed, trial.succeeded())
    bill.settled(charge, attempts, first_content_ms=_since(inbound, edition))
    spent = gateway_usage(charge, _since(inbound, edition), answer.dropped)
    bill.spent = charge, spent
    body = answer.render(usage, spent)
    if bill.ending is not None:
        bill.ending.tell_whole(body, trial.offer)
    return add_routing_metadata(body, opened.choice, trial.offer)


class StreamBody:
    """Whole events, one step at a time. Ends by itself, by an error event, or by `aclose`; each settles once.

    A caller that leaves is charged for what was delivered: the provider's count if it came, else
    tokens counted from the text, marked `estimated`.
    """

    def __init__(self, opened: Opened, stream: OpenStream, bill: Bill, inbound: Inbound, edition: Edition) -> None:
        self._stream = stream
        self._trial: Trial = opened.trial
        self._failed = opened.failed
        self._choice = opened.choice
        self._bill = bill
        self._inbound = inbound
        self._edition = edition
        self._is_over = False
        self.has_ended_well = False
        """Whether the answer is complete and charged."""
        self._extend_at = 1
        self._first_content_ms = _since(inbound, edition)

    def __aiter__(self) -> "StreamBody":
        return self

    async def __anext__(self) -> bytes:
        """Return the next whole events; after the last one the request is settled."""
        if self._is_over:
            raise StopAsyncIteration
        try:
            block = await self._stream.next()
            if block:
                if self._bill.ending is not None:
                    self._bill.ending.feed(block)
                if self._stream.characters >= self._extend_at:
                    await self._keep_funded()
                return block
            return await self._finish()
        except (UpstreamError, PaymentRequired, StoreUnavailable) as error:
            return await self._break_off(error)

    async def aclose(self) -> None:
        """Let go. What was delivered is settled in the background, the upstream is closed at once."""
        if self._is_over:
            return
        self._is_over = True
        self._edition.background.spawn(self._settle_abandoned())
        await self._stream.aclose()

    async def _keep_funded(self) -> None:
        self._extend_at = self._stream.characters + _EXTEND_EVERY_CHARACTERS
        await self._bill.extend_for(self._trial.offer, self._stream.characters)

    async def _finish(self) -> bytes:
        stream = self._stream
        usage = told(stream.usage)
        if usage is None:
            usage = await self._bill.estimated_usage(self._trial.offer, stream.text, stream.characters)
        else:
            self._bill.learn(self._trial.offer, stream.characters, usage)
        charge = await self._bill.capture(self._trial.offer, usage)
        self._is_over = True
        self._settled(charge, self._trial, None)
        self._edition.background.spawn(self._stream.release())
        spent = gateway_usage(charge, _since(self._inbound, self._edition), self._stream.dropped)
        self._bill.spent = charge, spent
        last = self._stream.finish(usage, spent)
        if self._bill.ending is not None:
            self._bill.ending.tell_stream(last, self._trial.offer)
        self.has_ended_well = True
        return add_routing_metadata(last, self._choice, self._trial.offer)

    async def _break_off(self, error: GatewayzError) -> bytes:
        """End with one error event; what came before it is charged."""
        await self._stream.aclose()
        if isinstance(error, UpstreamError):
            self._trial.failed(error)
        charge = await self._charge_delivered()
        self._is_over = True
        self._settled(charge, self._trial, error)
        return self._stream.fail(error)

    async def _settle_abandoned(self) -> None:
        self._trial.abandoned()
        self._settled(await self._charge_delivered(), self._trial, None, status=499)

    async def _charge_delivered(self) -> Charge | None:
        stream = self._stream
        if not stream.characters and stream.usage is None:
            await self._bill.void()
            return None
        usage = await self._bill.estimated_usage(self._trial.offer, stream.text, stream.characters)
        if stream.usage is not None and stream.usage.completion_tokens >= usage.completion_tokens:
            usage = stream.usage
        try:
            return await self._bill.capture(self._trial.offer, usage)
        except StoreUnavailable:
            self._edition.background.spawn(self._bill.capture_when_possible(self._trial.offer, usage))
            return None

    def _settled(self, charge: Charge | None, trial: Trial, error: GatewayzError | None, *, status: int = 200) -> None:
        attempt = trial.succeeded() if trial.attempt is None else trial.attempt
        self._bill.settled(
            charge,
            (*self._failed, attempt),
            status=error.status if error else status,
            error_code=error.code if error else None,
            first_content_ms=self._first_content_ms,
        )


def _since(inbound: Inbound, edition: Edition) -> float:
    return (edition.clock.monotonic() - inbound.started) * 1000.0
