"""The protocol of each plugin kind, in the core's own terms.

An object is what does the work; hooks (`hookspecs.py`) only register how to build it. Every
object is built without side effects; `provision` may open things, `aclose` works after a
half-finished provision. Optional methods are separate protocols, found by `isinstance`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import msgspec

from gatewayz.sdk.audio import SpeechCall, SpokenAudio, Transcription, TranscriptionCall
from gatewayz.sdk.chat import Completion, EmbeddingCall, Embeddings, Event, ModelCall
from gatewayz.sdk.images import ImageCall, Images
from gatewayz.sdk.model_ids import ModelIds
from gatewayz.sdk.money import Nano
from gatewayz.sdk.offers import Cost, Feature, ModelListing, Offer
from gatewayz.sdk.routing import Decision, PriceCap
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import CallContext, Format, HttpReply, WireCall

__all__ = [
    "BillingBackend",
    "Capabilities",
    "Charge",
    "Embedder",
    "HealthCheck",
    "Hold",
    "ImageGenerator",
    "PoolRouter",
    "ProgressMarking",
    "Provider",
    "Provisionable",
    "Ranking",
    "Reading",
    "Router",
    "RoutingCall",
    "Signals",
    "Speaker",
    "Transcriber",
    "WireProvider",
]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider instance promises; the contract suite tests what is promised.

    `formats`: wire formats it takes as they are, with `WireProvider.exchange`.
    `chat`: it answers conversations with `complete` and `stream`.
    `embeddings`: it is an `Embedder`, or takes the embeddings format as it is.
    """

    formats: frozenset[Format] = frozenset()
    chat: bool = True
    embeddings: bool = False
    images: bool = False
    """It is an `ImageGenerator`, or takes the images format as it is."""
    transcription: bool = False
    """It is a `Transcriber`."""
    speech: bool = False
    """It is a `Speaker`."""
    credentials: tuple[str, ...] = ("default",)
    """Labels of its credentials; each has circuits of its own."""
    model_ids: ModelIds = ModelIds()
    """Rules from canonical ids to its own, for offers that name none."""


@runtime_checkable
class Provisionable(Protocol):
    """A plugin object that needs to open something before it serves."""

    async def provision(self) -> None:
        """Open clients, start processes. Raises ConfigurationError or UpstreamError."""
        ...


class Provider(Protocol):
    """An upstream. Every method that calls out raises UpstreamError classes only.

    Every answer carries usage when the upstream reports it. Cancelling a call, or closing the
    iterator of a stream, closes the upstream socket.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What it promises; constant over its life."""
        ...

    async def complete(self, call: ModelCall, context: CallContext) -> Completion:
        """Answer a conversation at once."""
        ...

    def stream(self, call: ModelCall, context: CallContext) -> AsyncIterator[Event]:
        """Answer a conversation as events; errors before the first content raise on the first step."""
        ...

    async def list_models(self) -> Sequence[ModelListing]:
        """The provider's own list."""
        ...

    async def aclose(self) -> None:
        """Let go of everything; may be called twice."""
        ...


@runtime_checkable
class WireProvider(Protocol):
    """A provider that takes a caller's body in its own wire format and answers in it."""

    async def exchange(self, call: WireCall, context: CallContext) -> HttpReply:
        """Send the call; return the 2xx answer with its body unread, as the provider wrote it.

        Raises UpstreamError for every other status, with the body read and let go.
        """
        ...


@runtime_checkable
class Embedder(Protocol):
    """A provider that embeds texts in a format of its own."""

    async def embed(self, call: EmbeddingCall, context: CallContext) -> Embeddings:
        """Return one vector for each input, in order."""
        ...


@runtime_checkable
class ImageGenerator(Protocol):
    """A provider that makes pictures."""

    async def generate_images(self, call: ImageCall, context: CallContext) -> Images:
        """Return the pictures; `usage.images` counts them."""
        ...


@runtime_checkable
class Transcriber(Protocol):
    """A provider that writes recordings down."""

    async def transcribe(self, call: TranscriptionCall, context: CallContext) -> Transcription:
        """Return what was said, with times where `call.granularities` asks for them."""
        ...


@runtime_checkable
class Speaker(Protocol):
    """A provider that says texts aloud."""

    async def speak(self, call: SpeechCall, context: CallContext) -> SpokenAudio:
        """Return the sound when its head has arrived."""
        ...


class RoutingCall(msgspec.Struct, frozen=True, kw_only=True):
    """What a router may know of a call."""

    requested_model: str
    model: str
    """Canonical id, or the pool's name for `router:` calls."""
    prompt_tokens: int
    """Estimate."""
    max_output_tokens: int | None = None
    needs: frozenset[Feature] = frozenset()
    stream: bool = False
    affinity: str | None = None
    """Stable over a conversation: equal values should go to the same route."""
    mode: str = ""
    """Of a choice among models, as are all that follow but `opening`: one of `PoolRouter.modes`."""
    prompt: str = ""
    """Text of the last message of the user."""
    opening: str = ""
    """Text of the first one, which stays the same over a conversation; empty where there is none."""
    messages: int = 1
    """How many the conversation has, the new one included."""
    user_messages: int = 1
    provider: str | None = None
    """The only provider the caller wants."""
    price_cap: PriceCap | None = None
    hints: Mapping[str, int] = {}
    """What a test page says of a call that is not there (`file_count`)."""


class Signals(Protocol):
    """What the gateway has seen of the routes; reading it costs nothing."""

    def is_open(self, offer: Offer) -> bool:
        """True while the offer's circuit refuses calls."""
        ...

    def is_cooling(self, offer: Offer) -> bool:
        """True while the offer waits out a provider's rate limit."""
        ...

    def latency_p50_ms(self, offer: Offer) -> float | None:
        """Median time to first content of the last streams, None without a recent one."""
        ...


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """Offers in the order to try, and why."""

    offers: tuple[Offer, ...]
    reason: str
    decision: Decision | None = None
    """Of a choice among models."""


class Router(Protocol):
    """Orders offers. No network; never invents an offer; one affinity, one ranking while signals stay as they are."""

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        """Return the offers worth trying, best first."""
        ...


@runtime_checkable
class PoolRouter(Protocol):
    """A router that chooses among models: callers name it as a model, `router:INSTANCE:MODE`.

    `rank` is given the offers of every model that answers conversations, always as the same tuple
    until the catalog changes. A ranking without offers says in `reason` which constraint left none.
    """

    @property
    def modes(self) -> Mapping[str, str]:
        """Mode to what it does in words; the first is the default."""
        ...

    @property
    def names(self) -> Mapping[str, str]:
        """Further names of models that mean this router, to the mode each means."""
        ...

    def rank(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Ranking:
        """Return the offers worth trying, of several models, best first. The decision is counted."""
        ...

    def preview(self, call: RoutingCall, offers: Sequence[Offer], signals: Signals) -> Decision:
        """Return what would be decided, uncounted; models that are known and not served may be chosen here."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what people may know of it: its models, its modes, its data."""
        ...

    def stats(self) -> Mapping[str, Any]:
        """Return what it has decided so far, in this process."""
        ...


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """Money set aside for one request."""

    key: str
    """The request id: a repeat with one key has one effect."""
    account: int | None
    """User id; None for anonymous callers."""
    amount: Nano


class Charge(msgspec.Struct, frozen=True, kw_only=True):
    """What one request came to; `charged <= hold.amount`, the rest of `cost` is a booked loss."""

    hold: Hold
    offer: Offer
    usage: Usage
    cost: Cost
    charged: Nano
    balance: Nano | None = None
    """What the account has left afterwards, where the backend keeps balances."""


class BillingBackend(Protocol):
    """Who pays. Every method is safe to repeat with the same key."""

    async def authorize(self, account: int | None, amount: Nano, key: str) -> Hold:
        """Set money aside, durably, before a provider is called. Raises PaymentRequired, StoreUnavailable."""
        ...

    async def extend(self, hold: Hold, amount: Nano) -> Hold:
        """Raise a hold to `amount`. Raises PaymentRequired when the account has not that much."""
        ...

    async def capture(self, hold: Hold, offer: Offer, usage: Usage, cost: Cost) -> Charge:
        """Charge the true cost, at most the hold, and release the rest."""
        ...

    async def void(self, hold: Hold) -> None:
        """Release all of it: nothing was delivered."""
        ...

    async def balance(self, account: int) -> Nano | None:
        """What the account can spend now; None when this backend keeps no balances."""
        ...

    async def aclose(self) -> None:
        """Write what is still to be written."""
        ...


@runtime_checkable
class ProgressMarking(Protocol):
    """A billing backend that keeps note of running requests, to charge them should their process die."""

    def mark(self, hold: Hold, delivered: Nano) -> None:
        """Note that so much of a hold has been delivered; never waits, never raises."""
        ...


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a health check saw."""

    state: Literal["up", "degraded", "down"]
    latency_ms: float | None = None
    detail: str = ""
    """In words fit for the public: no secret, no provider's own words."""
    facts: Mapping[str, object] | None = None
    """Figures, as JSON can tell them."""
    provider: str = ""
    """The instance it tells of; empty for the gateway's own parts."""
    model: str = ""
    """Canonical id, when an offer answered a call: it counts as a probe in the record of traffic."""


class HealthCheck(Protocol):
    """Looks at one target. Returns, never raises, when the target is down.

    A check with a true attribute `is_local` tells of the machine it runs on: each machine looks.
    """

    async def probe(self) -> Reading:
        """Look once. The core owns timing, deadline and history."""
        ...
