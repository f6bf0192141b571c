"""An edition whose providers are scripts, with real breakers, catalog, router and dialects around them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, cast

import msgspec

from gatewayz.config.settings import Settings
from gatewayz.dialects.formats import DIALECTS, PASSTHROUGHS, READERS
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.retry_budget import RetryBudget
from gatewayz.domain.breakers.signals import RouteSignals
from gatewayz.domain.catalog.build import build_catalog
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.plans.plans import Plans
from gatewayz.domain.trials.gate import TrialGate
from gatewayz.domain.trials.trials import Trials
from gatewayz.domain.usage.token_counter import TokenCounter
from gatewayz.flow.edition import Background, Edition
from gatewayz.flow.observers import ObserverGroup
from gatewayz.flow.values import Inbound
from gatewayz.sdk.chat import Completion, Event, ModelCall
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import StoreUnavailable, UpstreamBroken
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.money import Nano
from gatewayz.sdk.observe import Attempt, Settlement
from gatewayz.sdk.wire import OPENAI_CHAT, CallContext, Format, WireCall
from gatewayz_plugins.billing.unmetered.backend import UnmeteredBilling, UnmeteredSettings
from gatewayz_plugins.routers.failover.router import FailoverRouter, FailoverSettings
from tests.fakes.clock import FakeClock

MODEL = "vendor/model"
CALLER = Caller(user_id=7, key_id=3, role="user")
PRICE = {"input": "1", "output": "2"}


class ScriptedReply:
    """An `HttpReply` that gives pieces in order; an exception among them is raised, an event is waited for."""

    status = 200
    headers = ((b"content-type", b"application/json"),)

    def __init__(self, *pieces: bytes | Exception | asyncio.Event) -> None:
        self._pieces = list(pieces)
        self.is_closed = False

    async def read(self, wait_s: float | None = None) -> bytes | None:
        while self._pieces:
            piece = self._pieces.pop(0)
            if isinstance(piece, asyncio.Event):
                await piece.wait()
            elif isinstance(piece, Exception):
                raise piece
            elif piece:
                return piece
        return b""

    async def read_all(self, limit: int) -> bytes:
        whole = b""
        while piece := await self.read():
            whole += piece
        return whole

    def close(self) -> None:
        self.is_closed = True


class WireFake:
    """A provider that speaks the caller's format; each call takes the next answer of its script."""

    def __init__(self, *script: Any, format: Format = OPENAI_CHAT) -> None:
        self.capabilities = Capabilities(formats=frozenset({format}), chat=False)
        self._script = list(script)
        self.calls: list[WireCall] = []
        self.replies: list[ScriptedReply] = []

    async def exchange(self, call: WireCall, context: CallContext) -> ScriptedReply:
        self.calls.append(call)
        answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            raise UpstreamBroken("woken")
        reply = ScriptedReply(*(answer if isinstance(answer, tuple) else (answer,)))
        self.replies.append(reply)
        return reply

    async def complete(self, call: ModelCall, context: CallContext) -> Completion:
        raise AssertionError("the wire lane was expected")

    async def stream(self, call: ModelCall, context: CallContext) -> AsyncIterator[Event]:
        raise AssertionError("the wire lane was expected")
        yield

    async def list_models(self) -> Sequence[Any]:
        return ()

    async def aclose(self) -> None:
        return None


class TypedFake(WireFake):
    """A provider of another format: core values in, core values out."""

    def __init__(
        self, completion: Completion | Exception | None = None, events: Sequence[Event | Exception] = ()
    ) -> None:
        super().__init__(b"")
        self.capabilities = Capabilities()
        self._completion = completion
        self._events = events
        self.model_calls: list[ModelCall] = []
        self.is_stream_closed = False

    async def complete(self, call: ModelCall, context: CallContext) -> Completion:
        self.model_calls.append(call)
        if isinstance(self._completion, Exception):
            raise self._completion
        assert self._completion is not None
        return self._completion

    async def stream(self, call: ModelCall, context: CallContext) -> AsyncIterator[Event]:
        self.model_calls.append(call)
        try:
            for event in self._events:
                if isinstance(event, Exception):
                    raise event
                yield event
        finally:
            self.is_stream_closed = True


class Records:
    """Keeps what observers are told."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.settlements: list[Settlement] = []

    def attempt_finished(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    def request_settled(self, settlement: Settlement) -> None:
        self.settlements.append(settlement)


class CountingBilling(UnmeteredBilling):
    """Unmetered, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(UnmeteredSettings(), cast(PluginContext, None))
        self.asked: list[str] = []
        self.marks: list[Nano] = []
        self.outages = 0
        self.refuse_extension: Exception | None = None

    async def authorize(self, account: int | None, amount: Nano, key: str) -> Any:
        self.asked.append("authorize")
        return await super().authorize(account, amount, key)

    async def extend(self, hold: Any, amount: Nano) -> Any:
        self.asked.append("extend")
        if self.refuse_extension:
            raise self.refuse_extension
        return await super().extend(hold, amount)

    def mark(self, hold: Any, delivered: Nano) -> None:
        self.marks.append(delivered)

    async def capture(self, *args: Any) -> Any:
        if self.outages:
            self.outages -= 1
            raise StoreUnavailable("gone")
        self.asked.append("capture")
        return await super().capture(*args)

    async def void(self, hold: Any) -> None:
        self.asked.append("void")
        await super().void(hold)


class NoKeys:
    def cached(self, credential: bytes) -> Caller | None:
        return CALLER

    async def load(self, credential: bytes) -> Caller:
        return CALLER


class CountingByHand(TokenCounter):
    """Counts words, so that no tests starts a tokenizer."""

    async def count(self, texts: Sequence[str], model: str) -> int:
        return sum(len(text.split()) for text in texts)


class GoodStore:
    async def check(self) -> str | None:
        return None


class Scene:
    """One edition over scripted providers, tried in the order given."""

    def __init__(self, change: Callable[[dict[str, Any]], None] | None = None, **providers: WireFake) -> None:
        plain: dict[str, Any] = {
            "models": {
                MODEL: {"price": PRICE, "offers": {name: {"id": f"{name}-model"} for name in providers}},
            },
            "aliases": {"short": MODEL},
            "failover": {"retry_budget": {"ratio": 1.0, "min_per_s": 100}},
        }
        if change is not None:
            change(plain)
        self.settings = msgspec.convert(plain, Settings)
        self.clock = FakeClock()
        self.records = Records()
        self.billing = CountingBilling()
        self.providers = providers
        self.breakers = Breakers(self.settings.breakers, self.clock, providers)
        self.background = Background()
        self.tokens = CountingByHand()
        self.edition = Edition(
            settings=self.settings,
            catalog=build_catalog(self.settings, {name: p.capabilities for name, p in providers.items()}),
            providers=providers,
            router=FailoverRouter(FailoverSettings(), cast(PluginContext, None)),
            billing=self.billing,
            breakers=self.breakers,
            signals=RouteSignals(self.breakers),
            retry_budget=RetryBudget(self.settings.failover.retry_budget, self.clock),
            keys=NoKeys(),
            store=GoodStore(),
            observers=ObserverGroup(lambda _: None, (), self.records),
            readers=READERS,
            dialects=DIALECTS,
            passthroughs=PASSTHROUGHS,
            tokens=self.tokens,
            plans=Plans(self.settings.plans, self.clock),
            trial_gate=TrialGate(cast(Trials, None), self.clock),  # no caller here is on trial
            clock=self.clock,
            background=self.background,
        )

    def inbound(self, format: Format = OPENAI_CHAT, request_id: str = "req_1", **body: Any) -> Inbound:
        full = {"model": MODEL, "messages": [{"role": "user", "content": "ping"}], **body}
        return Inbound(
            format=format, body=msgspec.json.encode(full), request_id=request_id, started=self.clock.monotonic()
        )
