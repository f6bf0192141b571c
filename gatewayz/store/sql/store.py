"""All aggregates on one SQL database."""

import asyncio
from typing import Final

from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.store.sql.allowlist import SqlAllowlistStore
from gatewayz.store.sql.analytics import SqlAnalyticsStore
from gatewayz.store.sql.batches import SqlBatchStore
from gatewayz.store.sql.catalog import SqlCatalogStore
from gatewayz.store.sql.conversation_search import SqlConversationSearch
from gatewayz.store.sql.conversations import SqlConversationStore
from gatewayz.store.sql.coupons import SqlCouponStore
from gatewayz.store.sql.database import Database
from gatewayz.store.sql.downtime import SqlDowntimeStore
from gatewayz.store.sql.errors import SqlErrorPatternStore
from gatewayz.store.sql.feedback import SqlFeedbackStore
from gatewayz.store.sql.files import SqlFileStore
from gatewayz.store.sql.grants import SqlGrantStore
from gatewayz.store.sql.health import SqlHealthStore
from gatewayz.store.sql.idempotency import SqlIdempotencyStore
from gatewayz.store.sql.identity import SqlIdentityStore
from gatewayz.store.sql.incidents import SqlIncidentStore
from gatewayz.store.sql.journal import SqlGrantedStore, SqlJournal
from gatewayz.store.sql.keys import SqlKeyStore
from gatewayz.store.sql.leases import SqlLeaseStore
from gatewayz.store.sql.ledger import SqlLedgerStore
from gatewayz.store.sql.maintenance import SqlMaintenanceStore
from gatewayz.store.sql.notifications import SqlNotificationStore
from gatewayz.store.sql.observation import SqlObservationStore
from gatewayz.store.sql.payments import SqlPaymentStore
from gatewayz.store.sql.people import SqlPeopleStore
from gatewayz.store.sql.plans import SqlPlanStore
from gatewayz.store.sql.referrals import SqlReferralStore
from gatewayz.store.sql.response_cache import SqlCacheStore
from gatewayz.store.sql.roles import SqlRoleStore
from gatewayz.store.sql.shares import SqlShareStore
from gatewayz.store.sql.sign_ups import SqlSignUpStore
from gatewayz.store.sql.trials import SqlTrialStore
from gatewayz.store.sql.usage import SqlUsageStore
from gatewayz.store.sql.usage_reports import SqlUsageReports
from gatewayz.store.sql.users import SqlAccountStore
from gatewayz.store.sql.webhooks import SqlWebhookStore

__all__ = ["SqlStore"]

CHECK_TIMEOUT_S: Final = 1.0


class SqlStore:
    """The ports of `gatewayz.store.ports`, each an attribute."""

    def __init__(self, database: Database, *, sync_commits: bool = True) -> None:
        self.database = database
        self.identity = SqlIdentityStore(database)
        self.users = SqlAccountStore(database)
        self.keys = SqlKeyStore(database)
        self.people = SqlPeopleStore(database)
        self.sign_ups = SqlSignUpStore(database)
        self.roles = SqlRoleStore(database)
        self.usage = SqlUsageStore(database)
        self.usage_reports = SqlUsageReports(database)
        self.plans = SqlPlanStore(database)
        self.trials = SqlTrialStore(database)
        self.grants = SqlGrantStore(database)
        self.coupons = SqlCouponStore(database)
        self.referrals = SqlReferralStore(database)
        self.journal = SqlJournal(database)
        self.granted = SqlGrantedStore(database)
        self.allowlist = SqlAllowlistStore(database)
        self.health = SqlHealthStore(database)
        self.downtime = SqlDowntimeStore(database)
        self.maintenance = SqlMaintenanceStore(database)
        self.idempotency = SqlIdempotencyStore(database)
        self.incidents = SqlIncidentStore(database)
        self.catalog = SqlCatalogStore(database)
        self.leases = SqlLeaseStore(database)
        self.observation = SqlObservationStore(database)
        self.analytics = SqlAnalyticsStore(database)
        self.errors = SqlErrorPatternStore(database)
        self.conversations = SqlConversationStore(database)
        self.conversation_search = SqlConversationSearch(database)
        self.feedback = SqlFeedbackStore(database)
        self.shares = SqlShareStore(database)
        self.notifications = SqlNotificationStore(database)
        self.response_cache = SqlCacheStore(database)
        self.webhooks = SqlWebhookStore(database)
        self.files = SqlFileStore(database)
        self.batches = SqlBatchStore(database)
        self.payments = SqlPaymentStore(database)
        self.ledger = SqlLedgerStore(database, sync_commits=sync_commits)

    async def check(self) -> str | None:
        """Return None when the database answers within a second, else what is wrong in public words."""
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_S):
                await self.identity.identity_revision()
        except (StoreUnavailable, TimeoutError):
            return "the database does not answer"
        return None

    async def aclose(self) -> None:
        """Wait for running work, then close every connection."""
        await self.database.aclose()
