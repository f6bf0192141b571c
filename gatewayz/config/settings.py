"""The typed settings: one immutable value, built whole from YAML or refused whole.

Field names are the YAML keys; units are in the names. The JSON Schemas in `schemas/` are generated
from these types. A file `config/NAME.yaml` is the value of the top-level key NAME; `gatewayz.yaml`
is merged over it, then an overlay, then `GATEWAYZ_` variables.
"""

from typing import Literal

from gatewayz.config.sections.access import Access, Keys, MailDomains
from gatewayz.config.sections.audio import Audio
from gatewayz.config.sections.base import PositiveInt, Section
from gatewayz.config.sections.batches import Batches, Files
from gatewayz.config.sections.caching import ResponseCache
from gatewayz.config.sections.catalog import CatalogSync
from gatewayz.config.sections.errors import ErrorFix, ErrorMonitor
from gatewayz.config.sections.guardrails import GuardrailEntry
from gatewayz.config.sections.health import Downtime, HealthEntry
from gatewayz.config.sections.limits import Limits
from gatewayz.config.sections.mcp import Mcp
from gatewayz.config.sections.models import ModelEntry
from gatewayz.config.sections.money import CreditGrants, CreditPackages, Ledger, Subscriptions, UsageLog
from gatewayz.config.sections.notifications import Notifications
from gatewayz.config.sections.observing import Analytics, Observation
from gatewayz.config.sections.pages import RouterPage
from gatewayz.config.sections.plans import PartnerEntry, Plans, Referrals
from gatewayz.config.sections.plugins import NOTHING, PluginEntry
from gatewayz.config.sections.providers import Breakers, Detection, Failover, ProviderEntry, Streams, Upstream
from gatewayz.config.sections.serving import Logging, Server, Store
from gatewayz.config.sections.status import Status
from gatewayz.config.sections.tracing import Tracing
from gatewayz.config.sections.webhooks import Webhooks
from gatewayz.sdk.wire import Timeouts

__all__ = ["Settings"]


class Settings(Section, frozen=True, kw_only=True):
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
    hub: PluginEntry = PluginEntry(use=NOTHING)
    """Where open models are looked up; `none` is nowhere."""
    mail: PluginEntry = PluginEntry(use=NOTHING)
    """Who takes the mail to people; `none` drops it."""
    notifications: Notifications = Notifications()
    """When people are told about their account."""
    webhooks: Webhooks = Webhooks()
    tools: dict[str, PluginEntry] = {}
    """Functions that callers and models may have run here, by the name they are called by."""
    mcp: Mcp = Mcp()
    guardrails: dict[str, GuardrailEntry] = {}
    """Who reads calls before they are sent, in this order."""
    health: dict[str, HealthEntry] = {}
    downtime: Downtime = Downtime()
    default_router: str = "default"
    """Router instance that orders the offers of one model."""
    router_pages: dict[str, RouterPage] = {}
    """What lists say of the routers that choose a model."""
    catalog_snapshot: bool = True
    """Whether the shipped catalog is used; without it only `models` and what providers list."""
    catalog_sync: CatalogSync = CatalogSync()
    models: dict[str, ModelEntry] = {}
    """Models and offers laid over the shipped catalog."""
    aliases: dict[str, str] = {}
    """Other names of models, compared without case; the result is looked up once more."""
    default_output_tokens: PositiveInt = 4096
    """Estimate of an answer's length where neither the call nor the model says one (spec 00 §6.4)."""
    failover: Failover = Failover()
    fallbacks: dict[str, tuple[str, ...]] = {}
    """Model to the models that `/availability` suggests in its place, best first, all by canonical id."""
    detection: Detection = Detection()
    breakers: Breakers = Breakers()
    timeouts: Timeouts = Timeouts()
    upstream: Upstream = Upstream()
    audio: Audio = Audio()
    streams: Streams = Streams()
    response_cache: ResponseCache = ResponseCache()
    usage_log: UsageLog = UsageLog()
    observation: Observation = Observation()
    status: Status = Status()
    analytics: Analytics = Analytics()
    error_monitor: ErrorMonitor = ErrorMonitor()
    error_fixes: dict[str, ErrorFix] = {}
    """What operators do about errors; the first that fits is shown."""
    ledger: Ledger = Ledger()
    plans: Plans = Plans()
    limits: Limits = Limits()
    files: Files = Files()
    batches: Batches = Batches()
    partners: dict[str, PartnerEntry] = {}
    referrals: Referrals = Referrals()
    logging: Logging = Logging()
    tracing: Tracing = Tracing()
