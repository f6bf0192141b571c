"""What requests use of one configuration."""

from gatewayz.config.load import Loaded
from gatewayz.dialects.formats import DIALECTS, PASSTHROUGHS, READERS
from gatewayz.domain.breakers.breakers import Breakers
from gatewayz.domain.breakers.retry_budget import RetryBudget
from gatewayz.domain.breakers.signals import RouteSignals
from gatewayz.domain.catalog.build import Skipped
from gatewayz.domain.limits.limits import Limits
from gatewayz.domain.limits.network import NetworkLimiter
from gatewayz.domain.plans.plans import Plans
from gatewayz.domain.routing.pools import Pools
from gatewayz.flow.edition import Background, Edition
from gatewayz.flow.observers import ObserverGroup
from gatewayz.lifecycle.parts import Parts
from gatewayz.loader.instances import Instances

__all__ = ["make_edition"]


async def make_edition(
    loaded: Loaded,
    instances: Instances,
    parts: Parts,
    *,
    breakers: Breakers,
    retry_budget: RetryBudget,
    background: Background,
    skipped: list[Skipped],
) -> Edition:
    """Return the edition; nothing that serves is changed yet. Raises ConfigurationError.

    :param skipped: told what was left out of the catalog.
    """
    settings = loaded.settings
    capabilities = {name: provider.capabilities for name, provider in instances.providers.items()}
    catalog = await parts.catalogs.build(settings, loaded.config_dir, capabilities, skipped)
    rules = settings.limits
    return Edition(
        settings=settings,
        catalog=catalog,
        providers=instances.providers,
        router=instances.routers[settings.default_router],
        billing=instances.billing,
        payments=instances.payments,
        identity=instances.identity,
        hub=instances.hub,
        health=instances.health,
        mail=instances.mail,
        tools=instances.tools,
        guardrails=instances.guardrails,
        pools=Pools(instances.routers, capabilities),
        breakers=breakers,
        signals=RouteSignals(breakers),
        retry_budget=retry_budget,
        keys=parts.keys,
        store=parts.store,
        observers=ObserverGroup(parts.observation.record_attempt, parts.recorders, instances.observers),
        readers=READERS,
        dialects=DIALECTS,
        passthroughs=PASSTHROUGHS,
        tokens=parts.tokens,
        plans=Plans(settings.plans, parts.clock),
        trial_gate=parts.promotions.trial_gate,
        clock=parts.clock,
        idempotency=parts.idempotency,
        conversations=parts.conversations,
        answers=parts.response_cache if settings.response_cache.enabled else None,
        limits=Limits(rules, parts.limiter, settings.mail_domains, parts.observe_limits) if rules.enabled else None,
        network=NetworkLimiter(rules.network, parts.limiter, parts.velocity, parts.clock, parts.allowlist.covers)
        if rules.enabled and rules.network.enabled
        else None,
        key_quota=parts.key_quota,
        tracing=parts.tracing,
        background=background,
    )
