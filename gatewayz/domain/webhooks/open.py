"""The parts of webhooks, tied together."""

from typing import NamedTuple

from gatewayz.config.sections.webhooks import Webhooks as Rules
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.webhooks.approaching import Approaching
from gatewayz.domain.webhooks.delivery import Deliverer, Post
from gatewayz.domain.webhooks.watch import WebhookWatch
from gatewayz.domain.webhooks.webhooks import CheckUrl, Webhooks
from gatewayz.sdk.clock import Clock
from gatewayz.store.webhook_records import WebhookStore

__all__ = ["WebhookParts", "open_webhooks"]


class WebhookParts(NamedTuple):
    """What a process does about webhooks."""

    service: Webhooks
    deliverer: Deliverer
    watch: WebhookWatch
    approaching: Approaching


def open_webhooks(
    rules: Rules, store: WebhookStore, vault: KeyVault, clock: Clock, *, check_url: CheckUrl, post: Post
) -> WebhookParts:
    """Return the parts.

    :param check_url: the egress guard, asked about a URL.
    :param post: the same, sending.
    """
    service = Webhooks(store, vault, clock, check_url)
    return WebhookParts(
        service=service,
        deliverer=Deliverer(store, vault, clock, post, rules=rules),
        watch=WebhookWatch(store, clock, rules.keep_days),
        approaching=Approaching(store, service),
    )
