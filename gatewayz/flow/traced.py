"""The same request with its steps measured: an edition whose parts report to a trace. Untraced requests never see it.

The steps stay as they are. What they call is wrapped for the one request: keys, limits, router, providers, billing
and observers. Decision 0163.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final, cast

from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.limits import Limits
from gatewayz.flow.edition import Edition, KeyLookup, MarkingBilling, Observers
from gatewayz.sdk.interfaces import Charge, Hold, Provider, Ranking, Router, RoutingCall, Signals
from gatewayz.sdk.money import Nano, usd_float
from gatewayz.sdk.observe import Attempt, Settlement
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.usage import Usage
from gatewayz.telemetry.tracing import names
from gatewayz.telemetry.tracing.outgoing import TRACE_HEADERS
from gatewayz.telemetry.tracing.trace import Trace

__all__ = ["trace_request"]

_LEFT: Final = 499
_CALLS: Final = ("exchange", "complete", "embed", "generate_images")
"""Methods of providers that make one attempt and return its answer; `stream` yields it."""


def trace_request(edition: Edition, trace: Trace, status_of: Callable[[], int | None]) -> Edition:
    """Return the edition for a request that is traced; its span ends with the running task and its settlement.

    :param status_of: gives the status of the answer, None when there was none.
    """
    running = _Running(trace)
    task = asyncio.current_task()
    if task is not None:
        task.add_done_callback(lambda _: running.answered(status_of()))
    return replace(
        edition,
        keys=_Keys(edition.keys, trace),
        limits=None if edition.limits is None else cast(Limits, _Limits(edition.limits, trace)),
        router=_Router(edition.router, trace),
        providers=_Providers(edition.providers, running),
        billing=_Billing(edition.billing, running),
        observers=_Observers(edition.observers, running),
    )


class _Running:
    """What has been opened and not ended."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.is_held = False
        self._open: Any = None
        self._over: list[tuple[Any, dict[str, Any], str | None, int]] = []
        self._answer: tuple[int, int] | None = None
        self._settlement: Settlement | None = None

    @contextmanager
    def calling(self, name: str) -> Iterator[None]:
        """Open an attempt; requests sent meanwhile carry its headers."""
        self._open = self.trace.open_attempt(name)
        token = TRACE_HEADERS.set(self.trace.headers_of(self._open))
        try:
            yield
        finally:
            TRACE_HEADERS.reset(token)

    def attempted(self, attempt: Attempt) -> None:
        now_ns = time.time_ns()
        span, self._open = self._open, None
        if span is None:  # it failed before the provider was called
            span = self.trace.open_attempt(attempt.offer.provider, now_ns - round(attempt.duration_ms * 1e6))
        facts = {
            names.PROVIDER: attempt.offer.provider,
            names.REQUEST_MODEL: attempt.offer.upstream_model,
            names.OUTCOME: attempt.outcome,
            names.STATUS: attempt.provider_status,
            names.FIRST_CONTENT_MS: attempt.first_content_ms,
        }
        error = None if attempt.outcome in ("success", "abandoned") else attempt.error_code or attempt.outcome
        self._over.append((span, facts, error, now_ns))

    def settled(self, settlement: Settlement) -> None:
        self._settlement = settlement
        operation = names.OPERATIONS.get(settlement.operation, settlement.operation)
        for span, facts, error, end_ns in self._over:
            facts[names.OPERATION] = operation
            if span is self._over[-1][0]:
                facts.update(_spent(settlement.charge))
            self.trace.end_attempt(span, facts, error, end_ns)
        self._over.clear()
        self._end()

    def answered(self, status: int | None) -> None:
        self._answer = (_LEFT if status is None else status, time.time_ns())
        self._end()

    def _end(self) -> None:
        """End the request's span when it has been answered and, if money was held, settled."""
        if self._answer is None or (self.is_held and self._settlement is None):
            return
        settlement, (status, end_ns) = self._settlement, self._answer
        if settlement is None:
            self.trace.end({}, status, None, end_ns)
            return
        facts = {
            names.OPERATION: names.OPERATIONS.get(settlement.operation, settlement.operation),
            names.REQUEST_MODEL: settlement.requested_model[:256],
            names.RESPONSE_MODEL: settlement.model,
            names.STREAM: settlement.stream,
            names.ATTEMPTS: len(settlement.attempts),
            names.REASON: settlement.reason,
            **_spent(settlement.charge),
        }
        self.trace.end(facts, status, settlement.error_code, end_ns)


def _spent(charge: Charge | None) -> dict[str, Any]:
    if charge is None:
        return {}
    return {
        names.INPUT_TOKENS: charge.usage.input_tokens,
        names.OUTPUT_TOKENS: charge.usage.completion_tokens,
        names.USAGE_SOURCE: charge.usage.source,
        names.CHARGED_USD: usd_float(charge.charged),
    }


class _Keys:
    def __init__(self, inner: KeyLookup, trace: Trace) -> None:
        self._inner = inner
        self._trace = trace

    def cached(self, credential: bytes) -> Caller | None:
        with self._trace.step("authenticate"):
            return self._inner.cached(credential)

    async def load(self, credential: bytes) -> Caller:
        with self._trace.step("authenticate from the store"):
            return await self._inner.load(credential)


class _Limits:
    def __init__(self, inner: Limits, trace: Trace) -> None:
        self._inner = inner
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def admit(self, *arguments: Any) -> Any:
        with self._trace.step("admit: limits"):
            return await self._inner.admit(*arguments)

    async def admit_anonymous(self, address: str, model: str) -> None:
        with self._trace.step("admit: limits"):
            await self._inner.admit_anonymous(address, model)


class _Router:
    def __init__(self, inner: Router, trace: Trace) -> None:
        self._inner = inner
        self._trace = trace

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        with self._trace.step("route"):
            return self._inner.rank(call, offers, signals)


class _Billing:
    def __init__(self, inner: MarkingBilling, running: _Running) -> None:
        self._inner = inner
        self._running = running

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def authorize(self, account: int | None, amount: Nano, key: str) -> Hold:
        with self._running.trace.step("admit: hold"):
            hold = await self._inner.authorize(account, amount, key)
        self._running.is_held = True
        return hold

    async def capture(self, hold: Hold, offer: Offer, usage: Usage, cost: Cost) -> Charge:
        with self._running.trace.step("settle"):
            return await self._inner.capture(hold, offer, usage, cost)

    async def void(self, hold: Hold) -> None:
        with self._running.trace.step("settle: void"):
            await self._inner.void(hold)


class _Observers:
    def __init__(self, inner: Observers, running: _Running) -> None:
        self._inner = inner
        self._running = running

    def attempt_finished(self, attempt: Attempt) -> None:
        self._running.attempted(attempt)
        self._inner.attempt_finished(attempt)

    def request_settled(self, settlement: Settlement) -> None:
        self._running.settled(settlement)
        self._inner.request_settled(settlement)


class _Providers(Mapping[str, Provider]):
    def __init__(self, inner: Mapping[str, Provider], running: _Running) -> None:
        self._inner = inner
        self._running = running

    def __getitem__(self, name: str) -> Provider:
        return cast(Provider, _Provider(self._inner[name], name, self._running))

    def __iter__(self) -> Iterator[str]:
        return iter(self._inner)

    def __len__(self) -> int:
        return len(self._inner)


class _Provider:
    """A provider whose calls are attempts of the trace; what else it can do is its own."""

    def __init__(self, inner: Provider, name: str, running: _Running) -> None:
        self._inner: Any = inner
        self._name = name
        self._running = running
        for method in _CALLS:
            if hasattr(inner, method):  # what the provider cannot do, this one cannot either
                setattr(self, method, self._traced(getattr(inner, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def _traced(self, call: Callable[..., Any]) -> Callable[..., Any]:
        async def traced(*arguments: Any) -> Any:
            with self._running.calling(self._name):
                return await call(*arguments)

        return traced

    async def stream(self, *arguments: Any) -> AsyncIterator[Any]:
        events = self._inner.stream(*arguments)
        try:
            with self._running.calling(self._name):  # the request leaves before the first event
                first = await anext(events, None)
            if first is not None:
                yield first
            async for event in events:
                yield event
        finally:
            await events.aclose()
