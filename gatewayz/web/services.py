"""What endpoints may use: the services of a process, which outlive any one configuration."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from gatewayz.domain.analytics.event_log import EventLog
from gatewayz.domain.batches.batches import Batches
from gatewayz.domain.catalog_sync.source import CatalogSource
from gatewayz.domain.conversations.conversations import Conversations
from gatewayz.domain.credits.adjustments import Adjustments
from gatewayz.domain.error_patterns.error_patterns import ErrorPatterns
from gatewayz.domain.feedback.feedback import Feedbacks
from gatewayz.domain.files.files import Files
from gatewayz.domain.health.pings import Pings
from gatewayz.domain.health.readings import Readings
from gatewayz.domain.health.vitals import Vitals
from gatewayz.domain.hub.hub import Hub
from gatewayz.domain.identity.accounts import Accounts
from gatewayz.domain.identity.authenticator import Authenticator
from gatewayz.domain.incidents.incidents import Incidents
from gatewayz.domain.ledger.ledger import Ledger
from gatewayz.domain.limits.allowlist import Allowlist
from gatewayz.domain.limits.limiter import Limiter
from gatewayz.domain.limits.network import Velocity
from gatewayz.domain.mail import Mailer
from gatewayz.domain.maintenance.maintenance import Maintenance
from gatewayz.domain.notifications.notices import Notices
from gatewayz.domain.observation.observation import Observation
from gatewayz.domain.payments.inbox import PaymentInbox
from gatewayz.domain.promotions import Promotions
from gatewayz.domain.response_cache.response_cache import ResponseCache
from gatewayz.domain.sharing.sharing import Sharing
from gatewayz.domain.status.page import StatusPage
from gatewayz.domain.usage.apps import AppRanking
from gatewayz.domain.webhooks.webhooks import Webhooks
from gatewayz.jobs.catalog_sync import CatalogSyncJob
from gatewayz.sdk.clock import Clock
from gatewayz.telemetry.metrics.metrics import Metrics
from gatewayz.telemetry.metrics.request_record import RequestRecord

if TYPE_CHECKING:
    from gatewayz.store.sql.store import SqlStore

__all__ = ["Services"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Services:
    """Made once by `lifecycle`, in the order things are opened."""

    clock: Clock
    store: "SqlStore"
    """Every aggregate's port, as an attribute."""
    accounts: Accounts
    """Users and their keys."""
    authenticator: Authenticator
    """Who a key stands for; `catch_up` after a change makes this process see it at once."""
    mailer: Mailer
    """Takes the mail to people."""
    notices: Notices
    """Tells people about their account."""
    webhooks: Webhooks
    """Tells customers' own servers what happens to them; `emit` takes an event."""
    ledger: Ledger
    """Money of all customers."""
    limiter: Limiter
    """Counts of what callers asked for."""
    velocity: Velocity
    """Whether too much fails."""
    allowlist: Allowlist
    """Addresses that are not counted; `refresh` after a change makes this process see it at once."""
    inbox: PaymentInbox
    """Events of the payment processor."""
    adjustments: Adjustments
    """Credit that administrators move."""
    hub: Hub
    """What is published of open models."""
    maintenance: Maintenance
    """Which models are announced as under maintenance."""
    catalog_source: CatalogSource
    """What this process knows of models."""
    catalog_sync: CatalogSyncJob
    """Asks providers for their model lists."""
    promotions: Promotions
    """Trials, coupons, referrals, partners, and the credit they give."""
    observation: Observation
    """What was observed of traffic and probes."""
    conversations: Conversations
    """Chat sessions of users."""
    feedback: Feedbacks
    """What users think of answers."""
    response_cache: ResponseCache
    """Answers that are given again."""
    apps: AppRanking
    """Which applications call most."""
    files: Files
    """Files that users keep here."""
    batches: Batches
    """Calls that are made from files."""
    sharing: Sharing
    """Links to conversations."""
    events: EventLog
    """Takes what clients say happened in them."""
    errors: ErrorPatterns
    """What went wrong."""
    incidents: Incidents
    """Outages under way, and those that are over."""
    status: StatusPage
    """What the status page shows."""
    requests: RequestRecord
    """What the endpoints of this process answered, and are working on."""
    metrics: Metrics
    """Figures of all processes on this machine."""
    vitals: Vitals
    """How the gateway and what it leans on are doing."""
    pings: Pings
    """How often `/ping` was asked."""
    readings: Readings
    """What health checks have seen."""
