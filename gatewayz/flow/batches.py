"""Lines of batches as calls: the way of every other call, at the price of batches and without limits of a minute.

Source: docs/decisions/0190-a-line-is-charged-once.md, 0191-price-and-place-of-batches.md.
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Final, Protocol

from gatewayz.config.settings import Settings
from gatewayz.dialects.openai_errors import render_error
from gatewayz.domain.batches.runner import BatchRunner, Outcome
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.pricing import scaled_price
from gatewayz.domain.files.files import Files
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.flow.admit import hold_key
from gatewayz.flow.edition import Edition
from gatewayz.flow.gateway import Gateway
from gatewayz.flow.pipeline import answer
from gatewayz.flow.values import Inbound
from gatewayz.jobs.leased import Leased
from gatewayz.jobs.periodic import Periodic
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import GatewayzError, InvalidRequest, ResourceNotFound, StoreUnavailable
from gatewayz.sdk.wire import OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_EMBEDDINGS, OPENAI_RESPONSES, Format
from gatewayz.store.batch_records import Batch, LineResult, TakenLine

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["PipelineCalls", "open_batch_jobs"]

_log = logging.getLogger("gatewayz.batches")
_FORMATS: Final[Mapping[str, Format]] = {
    "/v1/chat/completions": OPENAI_CHAT,
    "/v1/completions": OPENAI_COMPLETIONS,
    "/v1/embeddings": OPENAI_EMBEDDINGS,
    "/v1/responses": OPENAI_RESPONSES,
}
_WORTH_A_RETRY: Final = frozenset((409, 429, 502, 503, 504))
"""Statuses of failures that pass; 409 says that an attempt of that id has been made."""
_PRUNE_EVERY_S: Final = 600.0


class KeyHolders(Protocol):
    """Who a key stands for."""

    async def holder_of(self, key_id: int) -> Caller:
        """Return the caller of a key. Raises AuthenticationFailed, StoreUnavailable."""
        ...


class LineFailed(GatewayzError):
    """Something unforeseen; the details are in the log under the request id."""


class PipelineCalls:
    """`gatewayz.domain.batches.runner.LineCalls` by the inference pipeline.

    :param working: how many requests this process works on for callers who wait.
    """

    def __init__(self, gateway: Gateway, keys: KeyHolders, ledger: Ledger, working: Callable[[], int]) -> None:
        self._gateway = gateway
        self._keys = keys
        self._ledger = ledger
        self._working = working
        self._repriced: tuple[Catalog, float, Catalog] | None = None

    def check_model(self, endpoint: str, model: str) -> None:
        """Raise GatewayzError for a model that cannot be called."""
        edition = self._gateway.edition
        if edition.pools.find(model) is None:
            edition.catalog.resolve(model)
        elif _FORMATS[endpoint] not in edition.dialects:
            raise InvalidRequest("A router chooses models for conversations only.", param="model")

    async def call(self, batch: Batch, line: TakenLine) -> Outcome:
        """Make an attempt. Raises StoreUnavailable: what came of it is not known then."""
        lease = self._gateway.acquire()
        request_id = _request_id(batch, line)
        try:
            body = await self._answer(batch, line, request_id, lease.edition)
        except StoreUnavailable:
            raise
        except GatewayzError as error:
            return _refused(error, request_id, lease.edition.clock.now())
        except Exception:  # noqa: BLE001  one line that fails must not end the others
            _log.exception("line %d of %s failed", line.number, batch.public_id)
            await self.undo(batch, line)  # it may have failed after it was charged
            failure = LineFailed("The gateway met an internal error.")
            return _refused(failure, request_id, lease.edition.clock.now())
        finally:
            lease.release()
        return Outcome(result=LineResult(request_id=request_id, status=200, body=body))

    async def undo(self, batch: Batch, line: TakenLine) -> None:
        """Take back what an attempt was charged or holds. Raises StoreUnavailable."""
        key = hold_key(batch.user_id, _request_id(batch, line))
        await self._ledger.void(batch.user_id, key, held=1)
        try:
            await self._ledger.refund(batch.user_id, reference=key, key=f"lost answer {key}")
        except (ResourceNotFound, InvalidRequest):
            return  # nothing was charged, or all of it has been given back
        _log.warning("attempt %s was charged and gave no answer: the charge is refunded", key)

    def is_busy(self) -> bool:
        """Whether callers who wait have all the time there is."""
        return self._working() > self._gateway.edition.settings.batches.yield_above

    async def _answer(self, batch: Batch, line: TakenLine, request_id: str, edition: Edition) -> bytes:
        caller = await self._keys.holder_of(batch.key_id)
        inbound = Inbound(
            format=_FORMATS[batch.endpoint],
            body=line.body,
            request_id=request_id,
            started=edition.clock.monotonic(),
        )
        reply = await answer(inbound, caller, self._for_batches(edition))
        if not isinstance(reply.body, bytes):
            await reply.body.aclose()
            raise InvalidRequest("Answers of a batch are not streamed.", param="stream")
        return reply.body

    def _for_batches(self, edition: Edition) -> Edition:
        """Return the edition with the prices of batches and without limits by time."""
        factor = edition.settings.batches.price_factor
        if self._repriced is None or self._repriced[0] is not edition.catalog or self._repriced[1] != factor:
            price_of = partial(scaled_price, factor=Decimal(str(factor)))
            self._repriced = edition.catalog, factor, edition.catalog.repriced(price_of)
        return replace(edition, catalog=self._repriced[2], limits=None)


def open_batch_jobs(
    calls: PipelineCalls,
    store: "SqlStore",
    files: Files,
    clock: Clock,
    settings: Settings,
    *,
    gateway: Gateway,
    holder: str,
) -> tuple[Periodic, ...]:
    """Return what a process repeats for files and batches.

    :param holder: a name that no other process has.
    """

    async def clean() -> None:
        await files.prune()
        await store.batches.clear_ended()

    prune = Leased("prune files", clean, store.leases, clock, holder=holder, every_s=_PRUNE_EVERY_S)
    rules = settings.batches
    if not rules.enabled:
        return (prune.periodic(),)
    runner = BatchRunner(store.batches, files, calls, clock, rules_of=lambda: gateway.edition.settings.batches)
    run = Leased(
        "run batches",
        runner.round,
        store.leases,
        clock,
        holder=holder,
        every_s=rules.poll_s,
        lease_s=rules.lease_s,
    )
    return run.periodic(), prune.periodic()


def _request_id(batch: Batch, line: TakenLine) -> str:
    """Return what an attempt is booked under."""
    return f"{batch.public_id}.{line.number}.{line.attempt}"


def _refused(error: GatewayzError, request_id: str, now: datetime) -> Outcome:
    timestamp = now.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    body = render_error(error, request_id=request_id, timestamp=timestamp)
    return Outcome(
        result=LineResult(request_id=request_id, status=error.status, body=body),
        may_retry=error.status in _WORTH_A_RETRY,
        retry_after_s=error.retry_after_s,
    )
