"""One configuration, built whole: what a request reads from its first step to its last.

A reload builds a new edition and swaps it in; requests finish on the one they started with. State
that outlives a configuration (breakers, keys, pools) is handed from edition to edition.
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from gatewayz.config.settings import Settings
from gatewayz.dialects.caller import CallerDialect, HeadReader
from gatewayz.dialects.passthrough.contract import Passthrough
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.retry_budget import RetryBudget
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.conversations.conversations import Conversations
from gatewayz.domain.idempotency.idempotency import Idempotency
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.limits.key_quota import KeyQuota
from gatewayz.domain.limits.limits import Limits
from gatewayz.domain.limits.network import NetworkLimiter
from gatewayz.domain.plans.plans import Plans
from gatewayz.domain.response_cache.response_cache import ResponseCache
from gatewayz.domain.routing.pools import Pools
from gatewayz.domain.trials.gate import TrialGate
from gatewayz.domain.usage.token_counter import TokenCounter
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.guardrails import Guardrail
from gatewayz.sdk.hub import ModelHub
from gatewayz.sdk.identity import IdentityProvider
from gatewayz.sdk.interfaces import BillingBackend, HealthCheck, ProgressMarking, Provider, Router, Signals
from gatewayz.sdk.mail import MailSender
from gatewayz.sdk.observe import Attempt, Settlement
from gatewayz.sdk.payments import PaymentProcessor
from gatewayz.sdk.tools import Tool
from gatewayz.sdk.wire import Format
from gatewayz.telemetry.tracing.trace import Tracing

__all__ = ["Background", "Edition", "KeyLookup", "Observers", "StoreHealth"]

_log = logging.getLogger("gatewayz.flow")


class MarkingBilling(BillingBackend, ProgressMarking, Protocol):
    """A billing backend inside its fence: it can always be told of progress."""


class KeyLookup(Protocol):
    """Turns a presented key into who presents it."""

    def cached(self, credential: bytes) -> Caller | None:
        """Return the caller when the key is known here, at once. Raises AuthenticationFailed for an expired one."""
        ...

    async def load(self, credential: bytes) -> Caller:
        """Return the caller from the store. Raises AuthenticationFailed or StoreUnavailable."""
        ...


class Observers(Protocol):
    """Who hears of attempts and settlements; never raises."""

    def attempt_finished(self, attempt: Attempt) -> None:
        """Tell of one attempt."""
        ...

    def request_settled(self, settlement: Settlement) -> None:
        """Tell of one request."""
        ...


class StoreHealth(Protocol):
    """Whether the database answers."""

    async def check(self) -> str | None:
        """Return None when it does, else what is wrong in words fit for the public; quick, never raises."""
        ...


class Background:
    """Work that goes on after its request is over, such as settling what a caller left behind."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work`; a failure is logged, nobody waits for it."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    async def drain(self, timeout_s: float) -> None:
        """Wait for what is running, at most so long."""
        if self._tasks:
            await asyncio.wait(set(self._tasks), timeout=timeout_s)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("work after a request failed", exc_info=error)


@dataclass(frozen=True, kw_only=True, slots=True)
class Edition:
    """Everything the steps need, by name."""

    settings: Settings
    catalog: Catalog
    providers: Mapping[str, Provider]
    router: Router
    billing: MarkingBilling
    breakers: Breakers
    signals: Signals
    retry_budget: RetryBudget
    keys: KeyLookup
    store: StoreHealth
    observers: Observers
    readers: Mapping[Format, HeadReader]
    """Every format that callers may use."""
    dialects: Mapping[Format, CallerDialect]
    """Those of them that are conversations."""
    passthroughs: Mapping[Format, Passthrough]
    tokens: TokenCounter
    plans: Plans
    """Whose is which, from memory."""
    trial_gate: TrialGate
    clock: Clock
    idempotency: Idempotency | None = None
    """Who remembers the ids of callers; None is nobody."""
    conversations: Conversations | None = None
    """Sessions that calls may go on from; None is none."""
    answers: ResponseCache | None = None
    """Answers that may be given again; None is off."""
    limits: Limits | None = None
    """None where the configuration limits nothing."""
    tracing: Tracing | None = None
    """Begins the traces of requests; None is off."""
    network: NetworkLimiter | None = None
    key_quota: KeyQuota | None = None
    """Counts the calls of keys that may make only so many."""
    identity: Mapping[str, IdentityProvider] = field(default_factory=dict)
    """Who verifies the tokens people sign in with, in the order they are asked."""
    background: Background = field(default_factory=Background)
    pools: Pools = field(default_factory=lambda: Pools({}, {}))
    """Routers that callers may name as a model."""
    payments: PaymentProcessor | None = None
    """Who takes money; None is nobody."""
    hub: ModelHub | None = None
    """Where open models are looked up; None is nowhere."""
    health: Mapping[str, HealthCheck] = field(default_factory=dict)
    """Checks that look on a clock."""
    mail: MailSender | None = None
    """Who takes the mail to people; None is nobody."""
    guardrails: Mapping[str, Guardrail] = field(default_factory=dict)
    """Who reads calls before they are sent, in order."""
    tools: Mapping[str, Tool] = field(default_factory=dict)
    """Functions that callers and models may have run here."""
