"""The typed settings: one immutable value, built whole from YAML or refused whole.

Field names are the YAML keys; units are in the names. The JSON Schemas in `schemas/` are generated
from these types. A file `config/NAME.yaml` is the value of the top-level key NAME; `gatewayz.yaml`
is merged over it, then an overlay, then `GATEWAYZ_` variables.
"""

from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import Timeouts

__all__ = [
    "NOTHING",
    "Access",
    "AnonymousLimits",
    "Breakers",
    "CreditGrants",
    "CreditPackage",
    "CreditPackages",
    "Detection",
    "DetectionRule",
    "Display",
    "EndpointLimit",
    "Failover",
    "Keys",
    "Ledger",
    "LimitProfile",
    "Limits",
    "Logging",
    "MailDomains",
    "ModelEntry",
    "NetworkLimits",
    "OfferEntry",
    "Openness",
    "PartnerEntry",
    "PlanEntry",
    "PlanLimits",
    "Plans",
    "PluginEntry",
    "PriceEntry",
    "PriceTierEntry",
    "ProviderEntry",
    "Referrals",
    "RetryBudget",
    "Server",
    "Settings",
    "Store",
    "Streams",
    "SubscriptionTier",
    "Subscriptions",
    "Trial",
    "Upstream",
    "UsageLog",
    "VelocityMode",
]

Port = Annotated[int, Meta(ge=0, le=65535)]
Positive = Annotated[float, Meta(gt=0)]
PositiveInt = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]
NOTHING: Final = "none"
"""`use: none` asks for no plugin, where the gateway can do without one."""
Openness = Literal["public", "admin"]
Rate = Annotated[str | int | float, Meta(description="US dollars as a decimal number")]


class _Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration; unknown keys are errors."""


class Server(_Section, frozen=True, kw_only=True):
    """The listening side."""

    host: str = "127.0.0.1"
    port: Port = 8000
    workers: PositiveInt = 1
    backlog: PositiveInt = 2048
    fast_http: bool = True
    """Use our own HTTP/1.1 protocol on plain connections; false leaves everything to stock Hypercorn."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or CIDR ranges whose forwarded headers count."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names answered; empty answers all."""
    max_body_bytes: PositiveInt = 20 * 1024 * 1024
    max_json_depth: PositiveInt = 128
    max_header_bytes: PositiveInt = 64 * 1024
    max_headers: PositiveInt = 128
    keep_alive_s: Positive = 75.0
    head_timeout_s: Positive = 10.0
    body_timeout_s: Positive = 30.0
    write_timeout_s: Positive = 60.0
    """How long a client may refuse to read before it is cut off."""
    graceful_timeout_s: Positive = 30.0
    """How long running requests may finish after SIGTERM."""
    max_concurrent_requests: PositiveInt = 1000
    """Requests worked on at once by one process; more answer 503. Streams waiting on a provider do not count."""
    access_log: bool = False
    http2: bool = False


class Store(_Section, frozen=True, kw_only=True):
    """Where state lives."""

    url: str = "sqlite+aiosqlite:///var/gatewayz.db"
    redis_url: str = ""
    """Empty: process memory."""
    migrate: bool = True
    """Bring the schema up to date at start, under a lock."""
    poll_changes_s: Positive = 0.5
    """How often a process looks for keys changed by another one."""
    sync_commits: bool = True
    """Money waits for the disk at each commit, shared by those that run at once; false may lose the last ones."""


class Keys(_Section, frozen=True, kw_only=True):
    """How API keys are kept: looked up by keyed hash, encrypted with a versioned keyring."""

    hash_salt: Secret = Secret("")
    """At least 16 characters. Empty: made once and kept in the data folder."""
    keyring: dict[str, Secret] = {}
    """Version number to Fernet key. Empty: version 1 is made once and kept in the data folder."""
    current_version: PositiveInt | None = None
    """Version that encrypts; the highest one by default."""
    cache_entries: PositiveInt = 100_000


class Access(_Section, frozen=True, kw_only=True):
    """Which operator routes are open."""

    anonymous_inference: bool = False
    circuit_breakers: Openness = "admin"
    metrics: Openness = "admin"
    cors_origins: tuple[str, ...] = ()
    admin_api_key: Secret = Secret("")
    admin_email: str = ""
    """Whose account is made an administrator's at start, when the address is verified."""


class MailDomains(_Section, frozen=True, kw_only=True):
    """Domains of e-mail addresses that are not like others; subdomains are meant too."""

    temporary: tuple[str, ...] = ()
    """Throw-away mail: accounts are marked, and bound tightly."""
    blocked: tuple[str, ...] = ()
    """No accounts."""


class RetryBudget(_Section, frozen=True, kw_only=True):
    """Bound on attempts beyond the first: a share of requests, and a floor."""

    ratio: Annotated[float, Meta(ge=0)] = 0.2
    min_per_s: Annotated[float, Meta(ge=0)] = 3.0


class Failover(_Section, frozen=True, kw_only=True):
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


class DetectionRule(_Section, frozen=True, kw_only=True):
    """A shape of model ids and the providers that serve it first; every given part must fit, without case."""

    providers: tuple[str, ...]
    """The first of them that offers the model is its primary."""
    id: str | None = None
    prefix: str | None = None
    suffix: str | None = None


class Detection(_Section, frozen=True, kw_only=True):
    """Which provider is a model's primary (spec 00 §9): the first rule that fits and serves it."""

    rules: tuple[DetectionRule, ...] = ()
    default: tuple[str, ...] = ()
    """Primaries where no rule fits."""
    slugs: dict[str, str] = {}
    """Other names of provider instances that callers use (`google`, `hug`)."""


class Breakers(_Section, frozen=True, kw_only=True):
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
    share_s: Positive = 1.0
    """How often states are exchanged through Redis, when there is one."""


class Upstream(_Section, frozen=True, kw_only=True):
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


class Streams(_Section, frozen=True, kw_only=True):
    """How event streams are relayed."""

    keep_alive_s: Positive = 15.0
    """Silence towards the caller after which a comment (or ping) is sent."""
    max_event_bytes: PositiveInt = 8 * 1024 * 1024


class UsageLog(_Section, frozen=True, kw_only=True):
    """The record of calls."""

    enabled: bool = True
    flush_s: Positive = 0.1
    """Rows are written in groups, at latest after this time."""
    max_pending: PositiveInt = 50_000
    keep_days: PositiveInt = 90
    """Older rows are forgotten; money stays in the ledger."""


class Ledger(_Section, frozen=True, kw_only=True):
    """Time constants of money; they matter only when a process dies."""

    mark_s: Positive = 1.0
    """How often the progress of running streams is written."""
    beat_s: Positive = 5.0
    """How often a process tells that it lives, and looks for orphaned holds."""
    lease_s: Positive = 20.0
    """A process not heard of for so long is dead: its holds are settled by the others."""
    hold_ttl_s: Positive = 3600.0
    """A hold that its living process has not touched for so long is released; above the longest request."""
    keep_holds_days: PositiveInt = 30
    """Settled holds are forgotten after this; journal entries never."""


class Logging(_Section, frozen=True, kw_only=True):
    """Log lines on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "console"


class PriceTierEntry(_Section, frozen=True, kw_only=True):
    """Other rates for prompts above a length; US dollars per million tokens."""

    above_tokens: PositiveInt
    input: Rate
    output: Rate
    cache_read: Rate | None = None
    cache_write_5m: Rate | None = None
    cache_write_1h: Rate | None = None


class PriceEntry(_Section, frozen=True, kw_only=True):
    """A price as written by people: token rates in US dollars per million tokens, others in US dollars each."""

    input: Rate
    output: Rate
    cache_read: Rate | None = None
    cache_write_5m: Rate | None = None
    cache_write_1h: Rate | None = None
    reasoning: Rate | None = None
    audio_input: Rate | None = None
    audio_output: Rate | None = None
    request: Rate = "0"
    image: Rate | None = None
    second: Rate | None = None
    character: Rate | None = None
    """Per million characters."""
    tiers: tuple[PriceTierEntry, ...] = ()
    source: str = "operator"
    date: str = ""


class OfferEntry(_Section, frozen=True, kw_only=True):
    """A model at one provider instance."""

    id: str | None = None
    """The provider's own id; the canonical id, translated by the provider's rule, when absent."""
    price: PriceEntry | None = None
    """The model's own price when absent."""
    context_length: PositiveInt | None = None
    max_output_tokens: PositiveInt | None = None
    features: tuple[str, ...] | None = None


class ModelEntry(_Section, frozen=True, kw_only=True):
    """A model under its canonical id (`vendor/name`)."""

    name: str | None = None
    description: str | None = None
    context_length: PositiveInt | None = None
    max_output_tokens: PositiveInt | None = None
    features: tuple[str, ...] = ()
    """tools, vision, audio_input, documents, json_mode, json_schema, reasoning, logprobs."""
    modality: str = "text->text"
    created: str | None = None
    """ISO date of release."""
    price: PriceEntry | None = None
    offers: dict[str, OfferEntry] = {}
    """Provider instance to offer; instances that are not configured are passed over."""
    default_output_tokens: PositiveInt | None = None
    """Estimate of an answer's length when the call sets no limit."""


class PluginEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An instance of a plugin: `use` names the implementation, the rest are its settings.

    `enabled: auto` switches it on when its own settings say that it is configured (a provider whose
    `api_key` is written and resolves to nothing is off).
    """

    use: str
    enabled: bool | Literal["auto"] = "auto"
    settings: dict[str, Any] = {}
    """Every other key of the entry, decoded by the plugin's own settings type."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(use={self.use!r}, enabled={self.enabled!r})"  # the settings hold secrets


class Display(_Section, frozen=True, kw_only=True):
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


class ProviderEntry(PluginEntry, frozen=True, kw_only=True):
    """An instance of a provider plugin; `display` is the core's, every other key the plugin's."""

    display: Display | None = None
    """Providers without it are shown under their instance name."""


class PlanLimits(_Section, frozen=True, kw_only=True):
    """Ceilings of a plan (spec 00 §6.2)."""

    requests_per_day: PositiveInt
    tokens_per_day: PositiveInt
    requests_per_month: PositiveInt
    tokens_per_month: PositiveInt
    concurrency: PositiveInt


class PlanEntry(_Section, frozen=True, kw_only=True):
    """A plan; its key is the name that users carry."""

    id: PositiveInt
    """Number that the API shows; never given to another plan."""
    name: str
    description: str = ""
    type: Literal["free", "dev", "team", "customize", "admin"]
    """Its place in lists; `admin` is for administrators, hidden, and above every limit."""
    price_per_month: Rate = "0"
    yearly_price: Rate | None = None
    """Twelve months when absent."""
    price_per_token: Rate | None = None
    """US dollars for a token, where a plan has a price of its own."""
    is_pay_as_you_go: bool = False
    is_active: bool = True
    """False: nobody gets it any more; who has it keeps it."""
    is_trial_eligible: bool = False
    features: tuple[str, ...] = ()
    limits: PlanLimits


class Trial(_Section, frozen=True, kw_only=True):
    """What a new account may try (spec 00 §6.1)."""

    days: Positive = 3.0
    credits: Rate = "5"
    tokens: PositiveInt = 1_000_000
    requests: PositiveInt = 10_000
    plan: str = "free"
    daily_cap: Rate | None = None
    """US dollars a day; None is no cap but the credits."""
    usage_age_s: Positive = 1.0
    """How old the count of a trial's usage may be when a call is admitted."""


class Plans(_Section, frozen=True, kw_only=True):
    """What customers may use."""

    trial: Trial = Trial()
    without_plan: PlanLimits = PlanLimits(
        requests_per_day=25_000,
        tokens_per_day=500_000,
        requests_per_month=750_000,
        tokens_per_month=15_000_000,
        concurrency=10,
    )
    """For users that have no plan."""
    features_without_plan: tuple[str, ...] = ("basic_models",)
    offered: dict[str, PlanEntry] = {}


class LimitProfile(_Section, frozen=True, kw_only=True):
    """Limits of one key (spec 00 §5.3)."""

    requests_per_minute: Count = 60
    requests_per_hour: Count = 1_000
    requests_per_day: Count = 10_000
    tokens_per_minute: Count = 10_000
    tokens_per_hour: Count = 100_000
    tokens_per_day: Count = 1_000_000
    burst: Count = 100
    """Calls at once, given back as fast as the minute allows."""
    concurrency: Count = 50


class AnonymousLimits(_Section, frozen=True, kw_only=True):
    """What may be called without a key, where `access.anonymous_inference` lets that happen."""

    requests_per_day: PositiveInt = 3
    """Of one address, in a UTC day."""
    models: tuple[str, ...] = ()


class NetworkLimits(_Section, frozen=True, kw_only=True):
    """Requests of one address without a valid key (spec 00 §5.1)."""

    enabled: bool = True
    requests: PositiveInt = 300
    strict_requests: PositiveInt = 60
    """For those whom the strict lists name."""
    fingerprint_requests: PositiveInt = 100
    """Of one kind of client over all addresses; shown, and enforced only when `fingerprints` is on."""
    fingerprints: bool = False
    window_s: Positive = 60.0
    strict_agents: tuple[str, ...] = ()
    """Words in `User-Agent`, in any case."""
    strict_headers: tuple[str, ...] = ()
    """Request headers that only proxies send."""
    strict_networks: tuple[str, ...] = ()
    """Addresses or CIDR ranges."""


class VelocityMode(_Section, frozen=True, kw_only=True):
    """When too many requests fail by our fault, strangers may ask for less."""

    window_s: PositiveInt = 60
    min_requests: PositiveInt = 100
    failure_percent: Positive = 25.0
    duration_s: Positive = 180.0
    multiplier: Positive = 0.5


class EndpointLimit(_Section, frozen=True, kw_only=True):
    """Calls of one endpoint (spec 00 §5.5)."""

    requests: PositiveInt
    window_s: Positive
    scope: Literal["address", "user", "key"] = "address"


class Limits(_Section, frozen=True, kw_only=True):
    """How much callers may ask for."""

    enabled: bool = True
    """False: nothing is limited."""
    default: LimitProfile = LimitProfile()
    profiles: dict[str, LimitProfile] = {}
    profile_of_plan: dict[str, str] = {}
    """Plan to profile; other plans have the default."""
    lease_s: Positive = 900.0
    """How long a call may hold its slot, should its process die."""
    anonymous: AnonymousLimits = AnonymousLimits()
    network: NetworkLimits = NetworkLimits()
    velocity: VelocityMode = VelocityMode()
    endpoints: dict[str, EndpointLimit] = {}


class PartnerEntry(_Section, frozen=True, kw_only=True):
    """A partner's trial; its key is the code, in upper case (spec 08 §4)."""

    name: str
    days: Positive
    tier: str
    credits: Rate
    tokens: PositiveInt
    requests: PositiveInt
    daily_cap: Rate
    """US dollars that one user may spend a day."""
    is_active: bool = True


class Referrals(_Section, frozen=True, kw_only=True):
    """What recommending brings (spec 03 §7)."""

    bonus: Rate = "10"
    """US dollars for each side."""
    min_purchase: Rate = "10"
    """US dollars of the first purchase that earn it."""
    max_uses: PositiveInt = 10
    """Of one code."""
    invite_url: str = "http://127.0.0.1:8000/signup"
    """Page of an invitation; `?ref=CODE` is added."""


class CreditGrants(_Section, frozen=True, kw_only=True):
    """What one administrator may give away (spec 00 §6.4)."""

    max_usd: Rate = "1000"
    """At once."""
    max_day_usd: Rate = "5000"
    """In 24 hours."""


class CreditPackage(_Section, frozen=True, kw_only=True):
    """Credit for sale."""

    name: str
    credits: PositiveInt
    """Cents of credit."""
    amount: PositiveInt
    """Price in the smallest unit of the currency."""
    currency: str = "usd"
    description: str = ""
    features: tuple[str, ...] = ()
    popular: bool = False
    discount_percentage: Annotated[int, Meta(ge=0, le=100)] = 0
    price_id: str | None = None
    """The processor's own id of the price, when it keeps one."""


class CreditPackages(_Section, frozen=True, kw_only=True):
    """What customers can buy."""

    packages: dict[str, CreditPackage] = {}
    currencies: dict[str, Rate] = {}
    """Currency to the US dollars of credit that one unit of it buys; others are not taken."""
    return_url: str = "http://localhost:3000"
    """Where payment pages send people back to, when the call does not say."""


class SubscriptionTier(_Section, frozen=True, kw_only=True):
    """A subscription (spec 00 §6.3)."""

    name: str
    price_usd: Rate = "0"
    allowance_usd: Rate = "0"
    """Set at each paid renewal; what is left of the last one is gone."""
    products: tuple[str, ...] = ()
    """The processor's ids of products that stand for it."""


class Subscriptions(_Section, frozen=True, kw_only=True):
    """Tiers by name."""

    tiers: dict[str, SubscriptionTier] = {}
    default_tier: str = "basic"
    """Tier of those without a subscription, and of products that no tier names."""


class Settings(_Section, frozen=True, kw_only=True):
    """Everything an operator can set."""

    environment: Literal["development", "test", "staging", "production"] = "development"
    data_dir: str = "var"
    server: Server = Server()
    store: Store = Store()
    keys: Keys = Keys()
    access: Access = Access()
    plugins: tuple[str, ...] = ()
    """Plugin packages that may be imported, by entry-point or built-in name (`providers.openai_compatible`)."""
    providers: dict[str, ProviderEntry] = {}
    routers: dict[str, PluginEntry] = {}
    billing: PluginEntry = PluginEntry(use="unmetered")
    identity: dict[str, PluginEntry] = {}
    """Who verifies the tokens people sign in with; asked in this order."""
    mail_domains: MailDomains = MailDomains()
    roles: dict[str, dict[str, tuple[str, ...]]] = {}
    """Role to resource to what it may do there (spec 00 §14)."""
    payments: PluginEntry = PluginEntry(use=NOTHING)
    """Who takes money; `none` is nobody."""
    credit_grants: CreditGrants = CreditGrants()
    credit_packages: CreditPackages = CreditPackages()
    subscriptions: Subscriptions = Subscriptions()
    health: dict[str, PluginEntry] = {}
    default_router: str = "default"
    """Router instance that orders the offers of one model."""
    models: dict[str, ModelEntry] = {}
    aliases: dict[str, str] = {}
    """Other names of models, compared without case; the result is looked up once more."""
    default_output_tokens: PositiveInt = 4096
    """Estimate of an answer's length where neither the call nor the model says one (spec 00 §6.4)."""
    failover: Failover = Failover()
    detection: Detection = Detection()
    breakers: Breakers = Breakers()
    timeouts: Timeouts = Timeouts()
    upstream: Upstream = Upstream()
    streams: Streams = Streams()
    usage_log: UsageLog = UsageLog()
    ledger: Ledger = Ledger()
    plans: Plans = Plans()
    limits: Limits = Limits()
    partners: dict[str, PartnerEntry] = {}
    referrals: Referrals = Referrals()
    logging: Logging = Logging()
