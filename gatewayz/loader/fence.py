"""Fences round plugin objects: a foreign exception or a junk answer becomes an error that the core knows.

A provider fails as `UpstreamBroken` (another offer is tried), a router as the order that was given,
a billing backend as `StoreUnavailable` (no call without billing), a health check as a reading.
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Final, NoReturn, TypeVar, get_args

from gatewayz.loader.contain import describe
from gatewayz.loader.faults import FOREIGN, Faults
from gatewayz.loader.sound_fence import FencedSound
from gatewayz.sdk.audio import SpeechCall, SpokenAudio, Transcription, TranscriptionCall
from gatewayz.sdk.chat import Completion, EmbeddingCall, Embeddings, Event, ModelCall
from gatewayz.sdk.errors import (
    InvalidRequest,
    RequestError,
    ServiceError,
    StoreUnavailable,
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
)
from gatewayz.sdk.http_provider import HttpProvider
from gatewayz.sdk.identity import Identity, IdentityProvider
from gatewayz.sdk.images import ImageCall, Images
from gatewayz.sdk.interfaces import (
    BillingBackend,
    Capabilities,
    Charge,
    Embedder,
    HealthCheck,
    Hold,
    ImageGenerator,
    ProgressMarking,
    Provider,
    Ranking,
    Reading,
    Router,
    RoutingCall,
    Signals,
    Speaker,
    Transcriber,
    WireProvider,
)
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Cost, ModelListing, Offer
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import CallContext, HttpReply, WireCall

__all__ = ["FencedBilling", "FencedHealthCheck", "FencedIdentity", "FencedProvider", "FencedRouter"]

T = TypeVar("T")

_EVENTS: Final = get_args(Event)


class FencedProvider:
    """A provider that raises UpstreamError (or InvalidRequest) and nothing else.

    `exchange`, `embed`, `generate_images`, `transcribe` and `speak` are there when the provider has them, so
    `isinstance` tells the truth.
    """

    exchange: Callable[[WireCall, CallContext], Awaitable[HttpReply]]
    embed: Callable[[EmbeddingCall, CallContext], Awaitable[Embeddings]]
    generate_images: Callable[[ImageCall, CallContext], Awaitable[Images]]
    transcribe: Callable[[TranscriptionCall, CallContext], Awaitable[Transcription]]
    speak: Callable[[SpeechCall, CallContext], Awaitable[SpokenAudio]]

    def __init__(self, name: str, inner: Provider) -> None:
        self.inner = inner
        self._name = name
        self._faults = Faults(f"provider {name!r}")
        self._capabilities = inner.capabilities
        self._is_limited = isinstance(inner, HttpProvider)  # the HTTP client keeps the call's time limits
        if isinstance(inner, WireProvider):
            self._wire = inner
            self.exchange = self._exchange
        if isinstance(inner, Embedder):
            self._embedder = inner
            self.embed = self._embed
        if isinstance(inner, ImageGenerator):
            self._image_generator = inner
            self.generate_images = self._generate_images
        if isinstance(inner, Transcriber):
            self._transcriber = inner
            self.transcribe = self._transcribe
        if isinstance(inner, Speaker):
            self._speaker = inner
            self.speak = self._speak

    @property
    def capabilities(self) -> Capabilities:
        """What the provider promised when it was built."""
        return self._capabilities

    async def complete(self, call: ModelCall, context: CallContext) -> Completion:
        """As `Provider.complete`."""
        try:
            answer: Any = await self._limit(self.inner.complete(call, context), context)
        except FOREIGN as err:
            self._refuse(err, "complete")
        return answer if isinstance(answer, Completion) else self._junk(answer, "complete")

    async def stream(self, call: ModelCall, context: CallContext) -> AsyncIterator[Event]:
        """As `Provider.stream`; closing it closes the provider's own iterator."""
        events: Any = None
        try:
            events = self.inner.stream(call, context)
            if not hasattr(events, "__anext__"):
                if inspect.iscoroutine(events):
                    events.close()
                self._junk(events, "stream")
            first = await self._limit(events.__anext__(), context)
            yield self._event(first)
            async for event in events:
                yield self._event(event)
        except StopAsyncIteration:
            return
        except FOREIGN as err:
            self._refuse(err, "stream")
        finally:
            await self._close(events)

    async def list_models(self) -> Sequence[ModelListing]:
        """As `Provider.list_models`."""
        try:
            listed: Any = await self.inner.list_models()
        except FOREIGN as err:
            self._refuse(err, "list_models")
        is_list = isinstance(listed, list | tuple) and all(isinstance(item, ModelListing) for item in listed)
        if not is_list:
            self._junk(listed, "list_models")
        known: Sequence[ModelListing] = listed
        return known

    async def aclose(self) -> None:
        """As `Provider.aclose`."""
        await self.inner.aclose()

    async def _limit(self, answer: Awaitable[T], context: CallContext) -> T:
        """Await at most the call's whole time; a timer costs 5 us, so only where the provider has none of its own."""
        if self._is_limited:
            return await answer
        async with asyncio.timeout(context.timeouts.total_s):
            return await answer

    async def _exchange(self, call: WireCall, context: CallContext) -> HttpReply:
        try:
            if self._is_limited:
                reply: Any = await self._wire.exchange(call, context)
            else:
                reply = await self._limit(self._wire.exchange(call, context), context)
        except FOREIGN as err:
            self._refuse(err, "exchange")
        if not hasattr(reply, "read_all"):
            self._junk(reply, "exchange")
        answer: HttpReply = reply
        return answer

    async def _embed(self, call: EmbeddingCall, context: CallContext) -> Embeddings:
        try:
            answer: Any = await self._limit(self._embedder.embed(call, context), context)
        except FOREIGN as err:
            self._refuse(err, "embed")
        return answer if isinstance(answer, Embeddings) else self._junk(answer, "embed")

    async def _generate_images(self, call: ImageCall, context: CallContext) -> Images:
        try:
            answer: Any = await self._limit(self._image_generator.generate_images(call, context), context)
        except FOREIGN as err:
            self._refuse(err, "generate_images")
        return answer if isinstance(answer, Images) else self._junk(answer, "generate_images")

    async def _transcribe(self, call: TranscriptionCall, context: CallContext) -> Transcription:
        try:
            answer: Any = await self._limit(self._transcriber.transcribe(call, context), context)
        except FOREIGN as err:
            self._refuse(err, "transcribe")
        return answer if isinstance(answer, Transcription) else self._junk(answer, "transcribe")

    async def _speak(self, call: SpeechCall, context: CallContext) -> SpokenAudio:
        try:
            answer: Any = await self._limit(self._speaker.speak(call, context), context)
        except FOREIGN as err:
            self._refuse(err, "speak")
        if not isinstance(getattr(answer, "media_type", None), str):
            self._close_junk(answer)
            self._junk(answer, "speak")
        return FencedSound(answer, partial(self._limit, context=context), self._refuse, self._faults)

    def _event(self, event: Any) -> Event:
        if not isinstance(event, _EVENTS):
            self._junk(event, "stream")
        known: Event = event
        return known

    async def _close(self, events: Any) -> None:
        close = getattr(events, "aclose", None)
        if close is None:
            return
        try:
            await close()
        except FOREIGN as err:  # the answer is over; a fault in letting go of it is only logged
            self._faults.log(err, "closing a stream")

    def _close_junk(self, answer: Any) -> None:
        """Close what is no sound where it can be closed: there may be a connection behind it."""
        close = getattr(answer, "close", None)
        if close is None:
            return
        try:
            close()
        except FOREIGN as err:  # it is junk already; a fault in letting go of it is only logged
            self._faults.log(err, "closing a sound")

    def _refuse(self, err: BaseException, doing: str) -> NoReturn:
        if isinstance(err, UpstreamError | InvalidRequest):
            raise err
        if isinstance(err, TimeoutError):
            raise UpstreamTimeout("the provider did not answer in time", phase="total") from err
        self._faults.log(err, doing)
        raise UpstreamBroken("the provider's plugin failed") from err

    def _junk(self, answer: object, doing: str) -> NoReturn:
        broken = UpstreamBroken("the provider's plugin gave an answer of the wrong kind")
        self._faults.log(TypeError(f"{doing} gave a {type(answer).__name__}"), doing)
        raise broken


class FencedRouter:
    """A router that always answers, with offers it was given."""

    def __init__(self, name: str, inner: Router) -> None:
        self.inner = inner
        self._name = name
        self._faults = Faults(f"router {name!r}")

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        """As `Router.rank`; the given order when the router fails or invents."""
        try:
            ranking: Any = self.inner.rank(call, offers, signals)
            if not isinstance(ranking, Ranking):
                raise TypeError(f"rank gave a {type(ranking).__name__}")
            for offer in ranking.offers:
                if offer not in offers:
                    raise ValueError(f"rank invented an offer at {offer.provider!r}")
        except FOREIGN as err:  # a broken router costs its opinion, not the request
            self._faults.log(err, "rank")
            return Ranking(offers=tuple(offers), reason=f"router {self._name} failed; offers in their given order")
        return ranking


class FencedBilling:
    """A billing backend that refuses (402), fails closed (503), or is right about the hold."""

    def __init__(self, inner: BillingBackend) -> None:
        self.inner = inner
        self._faults = Faults("billing")
        self._marks = inner.mark if isinstance(inner, ProgressMarking) else None

    def mark(self, hold: Hold, delivered: Nano) -> None:
        """As `ProgressMarking.mark`; nothing for a backend that keeps no note of progress."""
        if self._marks is None:
            return
        try:
            self._marks(hold, delivered)
        except FOREIGN as err:  # a note that is not taken costs nothing now: the hold stands
            self._faults.log(err, "mark")

    async def authorize(self, account: int | None, amount: Nano, key: str) -> Hold:
        """As `BillingBackend.authorize`."""
        return self._hold(await self._ask(self.inner.authorize, account, amount, key), key, amount)

    async def extend(self, hold: Hold, amount: Nano) -> Hold:
        """As `BillingBackend.extend`."""
        return self._hold(await self._ask(self.inner.extend, hold, amount), hold.key, amount)

    async def capture(self, hold: Hold, offer: Offer, usage: Usage, cost: Cost) -> Charge:
        """As `BillingBackend.capture`; a charge above the hold is a fault."""
        charge: Any = await self._ask(self.inner.capture, hold, offer, usage, cost)
        if not isinstance(charge, Charge) or not 0 <= charge.charged <= charge.hold.amount:
            self._refuse(TypeError(f"capture gave {charge!r} for a hold of {hold.amount}"), "capture")
        return charge

    async def void(self, hold: Hold) -> None:
        """As `BillingBackend.void`."""
        await self._ask(self.inner.void, hold)

    async def balance(self, account: int) -> Nano | None:
        """As `BillingBackend.balance`."""
        return await self._ask(self.inner.balance, account)

    async def aclose(self) -> None:
        """As `BillingBackend.aclose`."""
        await self.inner.aclose()

    def _hold(self, hold: Any, key: str, amount: Nano) -> Hold:
        if not isinstance(hold, Hold) or hold.key != key or hold.amount < amount:
            self._refuse(TypeError(f"a hold of {amount} was asked for, {hold!r} came"), "authorize")
        return hold

    async def _ask(self, method: Callable[..., Awaitable[T]], *arguments: object) -> T:
        try:
            return await method(*arguments)
        except (RequestError, ServiceError):
            raise
        except FOREIGN as err:  # no billing, no call: whatever went wrong, it fails closed
            self._refuse(err, getattr(method, "__name__", "billing"))

    def _refuse(self, err: BaseException, doing: str) -> NoReturn:
        self._faults.log(err, doing)
        raise StoreUnavailable("billing does not work at the moment", retry_after_s=5.0) from err


class FencedIdentity:
    """An identity provider that tells who somebody is, refuses (401), or cannot say (503)."""

    def __init__(self, name: str, inner: IdentityProvider) -> None:
        self.inner = inner
        self._faults = Faults(f"identity provider {name!r}")

    async def verify(self, token: str) -> Identity:
        """As `IdentityProvider.verify`."""
        try:
            identity: Any = await self.inner.verify(token)
            if not isinstance(identity, Identity) or not identity.subject:
                raise TypeError(f"verify gave a {type(identity).__name__}")
        except (RequestError, UpstreamError):
            raise
        except FOREIGN as err:  # a broken provider lets nobody in
            self._faults.log(err, "verify")
            raise UpstreamBroken("the identity provider's plugin failed") from err
        return identity


class FencedHealthCheck:
    """A health check that always gives a reading."""

    def __init__(self, name: str, inner: HealthCheck) -> None:
        self.inner = inner
        self.is_local = bool(getattr(inner, "is_local", False))
        self._faults = Faults(f"health check {name!r}")

    async def probe(self) -> Reading:
        """As `HealthCheck.probe`; `degraded` with the reason when the check itself is broken."""
        try:
            reading: Any = await self.inner.probe()
            if not isinstance(reading, Reading):
                raise TypeError(f"probe gave a {type(reading).__name__}")
        except FOREIGN as err:  # a broken check says nothing of its target, and must not stop the others
            self._faults.log(err, "probe")
            return Reading(state="degraded", detail=f"the check itself failed: {describe(err)}")
        return reading
