"""Settings of the way to providers: instances, order, circuits, connections."""

from typing import Annotated, Literal

from msgspec import Meta

from gatewayz.config.sections.base import Positive, PositiveInt, Section
from gatewayz.config.sections.plugins import PluginEntry
from gatewayz.sdk.secret import Secret

__all__ = [
    "Breakers",
    "Detection",
    "DetectionRule",
    "Display",
    "Failover",
    "ProviderEntry",
    "RetryBudget",
    "Streams",
    "Upstream",
]


class RetryBudget(Section, frozen=True, kw_only=True):
    """Bound on attempts beyond the first: a share of requests, and a floor."""

    ratio: Annotated[float, Meta(ge=0)] = 0.2
    min_per_s: Annotated[float, Meta(ge=0)] = 3.0


class Failover(Section, frozen=True, kw_only=True):
    """Which providers are tried, in which order (spec 00 §10)."""

    chain: tuple[str, ...] = ()
    """Provider instances after the detected primary, in order."""
    others: tuple[str, ...] = ()
    """Shipped providers outside the chain: tried between the primary and the chain, in the model's own order."""
    pinned: dict[str, tuple[str, ...]] = {}
    """Model-id prefix (`openai/`) to the only providers of the two lists above that may serve it.

    The longest prefix counts; an empty list lifts a shorter one.
    """
    pinned_suffixes: dict[str, tuple[str, ...]] = {}
    """Model-id suffix (`:free`), likewise; stronger than a prefix."""
    max_attempts: PositiveInt = 4
    retry_budget: RetryBudget = RetryBudget()


class DetectionRule(Section, frozen=True, kw_only=True):
    """A shape of model ids and the providers that serve it first; every given part must fit, without case."""

    providers: tuple[str, ...]
    """The first of them that offers the model is its primary."""
    id: str | None = None
    prefix: str | None = None
    suffix: str | None = None


class Detection(Section, frozen=True, kw_only=True):
    """Which provider is a model's primary (spec 00 §9): the first rule that fits and serves it."""

    rules: tuple[DetectionRule, ...] = ()
    default: tuple[str, ...] = ()
    """Primaries where no rule fits."""
    slugs: dict[str, str] = {}
    """Other names of provider instances that callers use (`google`, `hug`)."""


class Breakers(Section, frozen=True, kw_only=True):
    """When a circuit opens and closes (spec 00 §11)."""

    failure_threshold: PositiveInt = 5
    """Consecutive failures that open it."""
    failure_rate: Annotated[float, Meta(gt=0, le=1)] = 0.5
    min_requests: PositiveInt = 10
    window_s: Positive = 60.0
    """`failure_rate` of at least `min_requests` in this window opens it too."""
    recovery_s: Positive = 300.0
    success_threshold: PositiveInt = 2
    """Successes that close a half-open circuit; one failure opens it again."""
    cooldown_s: Positive = 5.0
    """Wait after a 429 without Retry-After."""
    max_cooldown_s: Positive = 300.0
    last_resort_s: Positive = 5.0
    """Pause between attempts on one open circuit when no other route is left."""
    max_created: PositiveInt = 1000
    """Breakers that a look at an unknown name may create."""
    latency_kept_s: Positive = 600.0
    """A route's times to first content count so long after its last stream; routers then take it as not known."""
    share_s: Positive = 1.0
    """How often states are exchanged through Redis, when there is one."""


class Upstream(Section, frozen=True, kw_only=True):
    """Connections to providers."""

    max_connections: PositiveInt = 1000
    """To one origin, per process; further requests wait in line."""
    keep_alive_s: Positive = 50.0
    """How long an unused connection is kept: a little less than providers keep theirs."""
    ca_file: str = ""
    """Certificates to trust instead of the system's."""
    proxy: Secret = Secret("")
    """URL of a proxy for all calls (`${HTTPS_PROXY:-}`). With it or `http2`, stock httpx does the work, slower."""
    http2: bool = False


class Streams(Section, frozen=True, kw_only=True):
    """How event streams are relayed."""

    keep_alive_s: Positive = 15.0
    """Silence towards the caller after which a comment (or ping) is sent."""
    max_event_bytes: PositiveInt = 8 * 1024 * 1024


class Display(Section, frozen=True, kw_only=True):
    """How a provider is shown in lists and dashboards, and what its catalog is expected to be (spec 00 §7)."""

    name: str
    color: str = "bg-gray-500"
    """Tailwind class of its badge."""
    priority: Literal["fast", "slow"] = "slow"
    site: str = ""
    """Host (and path) of its home page, without https."""
    icon: str | None = None
    aliases: tuple[str, ...] = ()
    """Other slugs that clients use for it."""
    list_timeout_s: Positive = 30.0
    """How long its model list may take."""
    min_models: Annotated[int, Meta(ge=0)] = 5
    """Fewer models than this in its own list count as unhealthy."""
    is_listed: bool = True
    """One of the gateways in the public list."""
    is_syncable: bool = True
    """One of the providers whose model lists are synchronised."""
    speed_tier: Literal[1, 2, 3, 4] | None = None
    """How fast it answers by its make: 1 own chips, 2 tuned serving, 3 usual, 4 slow (spec 02, 4.1.6)."""
    is_private: bool = False
    """Inference runs in hardware that neither the provider nor its host can look into (a TEE), for all its models."""


class ProviderEntry(PluginEntry, frozen=True, kw_only=True):
    """An instance of a provider plugin; `display` is the core's, every other key the plugin's."""

    display: Display | None = None
    """Providers without it are shown under their instance name."""
