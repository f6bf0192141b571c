"""What endpoints may use of the parts of a process."""

from gatewayz.domain.batches.batches import Batches
from gatewayz.domain.credits.adjustments import Adjustments
from gatewayz.domain.feedback.feedback import Feedbacks
from gatewayz.domain.hub.hub import Hub
from gatewayz.domain.identity.accounts import Accounts
from gatewayz.domain.sharing.sharing import Sharing
from gatewayz.domain.usage.apps import AppRanking
from gatewayz.flow.gateway import Gateway
from gatewayz.lifecycle.parts import Parts
from gatewayz.web.services import Services

__all__ = ["services_of"]


def services_of(parts: Parts, gateway: Gateway) -> Services:
    """Return what endpoints may use."""
    store = parts.store
    return Services(
        clock=parts.clock,
        store=store,
        accounts=Accounts(store.users, store.keys, parts.vault, parts.clock),
        authenticator=parts.keys,
        mailer=parts.mailer,
        notices=parts.notices,
        webhooks=parts.webhooks.service,
        ledger=parts.ledger,
        inbox=parts.inbox,
        limiter=parts.limiter,
        velocity=parts.velocity,
        allowlist=parts.allowlist,
        adjustments=Adjustments(parts.ledger, store.granted, store.journal, store.users, parts.clock),
        hub=Hub(lambda: gateway.edition.hub),
        maintenance=parts.maintenance,
        promotions=parts.promotions,
        catalog_source=parts.catalogs,
        catalog_sync=parts.catalog_sync,
        conversations=parts.conversations,
        files=parts.files,
        batches=Batches(store.batches, parts.files, parts.clock, lambda: gateway.edition.settings.batches),
        feedback=Feedbacks(store.feedback, parts.conversations, parts.clock, lambda: gateway.edition.pools),
        response_cache=parts.response_cache,
        apps=AppRanking(store.usage_reports, parts.clock),
        sharing=Sharing(store.shares, parts.clock),
        observation=parts.observation,
        events=parts.events,
        errors=parts.errors,
        incidents=parts.status.incidents,
        status=parts.status.page,
        requests=parts.requests,
        metrics=parts.metrics,
        vitals=parts.health.vitals,
        pings=parts.health.pings,
        readings=parts.health.readings,
    )
