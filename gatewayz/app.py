"""The table of contents: which endpoints there are, and how the rooms make one ASGI application."""

import asyncio
import logging
import signal
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

import msgspec

from gatewayz import __version__
from gatewayz.areas.account.routes import ROUTES as ACCOUNT
from gatewayz.areas.admin.caches.routes import ROUTES as ADMIN_CACHES
from gatewayz.areas.admin.coupons.routes import ROUTES as ADMIN_COUPONS
from gatewayz.areas.admin.credits.routes import ROUTES as ADMIN_CREDITS
from gatewayz.areas.admin.downtime.routes import ROUTES as ADMIN_DOWNTIME
from gatewayz.areas.admin.ip_allowlist.routes import ROUTES as ADMIN_IP_ALLOWLIST
from gatewayz.areas.admin.model_sync.routes import ROUTES as ADMIN_MODEL_SYNC
from gatewayz.areas.admin.monitor.routes import ROUTES as ADMIN_MONITOR
from gatewayz.areas.admin.plans.routes import ROUTES as ADMIN_PLANS
from gatewayz.areas.admin.rate_limits.routes import ROUTES as ADMIN_RATE_LIMITS
from gatewayz.areas.admin.roles.routes import ROUTES as ADMIN_ROLES
from gatewayz.areas.admin.trials.routes import ROUTES as ADMIN_TRIALS
from gatewayz.areas.admin.users.routes import ROUTES as ADMIN_USERS
from gatewayz.areas.analytics.routes import ROUTES as ANALYTICS
from gatewayz.areas.api_keys.routes import ROUTES as API_KEYS
from gatewayz.areas.auth.routes import ROUTES as AUTH
from gatewayz.areas.availability.routes import ROUTES as AVAILABILITY
from gatewayz.areas.batches.routes import ROUTES as BATCHES
from gatewayz.areas.catalog.routes import ROUTES as CATALOG
from gatewayz.areas.chat_metrics.routes import ROUTES as CHAT_METRICS
from gatewayz.areas.chat_sessions.routes import ROUTES as CHAT_SESSIONS
from gatewayz.areas.circuit_breakers.routes import ROUTES as CIRCUIT_BREAKERS
from gatewayz.areas.code_router.routes import ROUTES as CODE_ROUTER
from gatewayz.areas.coupons.routes import ROUTES as COUPONS
from gatewayz.areas.credits.routes import ROUTES as CREDITS
from gatewayz.areas.diagnostics.routes import ROUTES as DIAGNOSTICS
from gatewayz.areas.documentation.routes import ROUTES as DOCUMENTATION
from gatewayz.areas.documentation.routes import document_route
from gatewayz.areas.error_monitor.routes import ROUTES as ERROR_MONITOR
from gatewayz.areas.feedback.routes import ROUTES as FEEDBACK
from gatewayz.areas.files.routes import ROUTES as FILES
from gatewayz.areas.gateways.routes import ROUTES as GATEWAYS
from gatewayz.areas.general_router.routes import ROUTES as GENERAL_ROUTER
from gatewayz.areas.generations.routes import ROUTES as GENERATIONS
from gatewayz.areas.grafana.routes import ROUTES as GRAFANA
from gatewayz.areas.health.routes import ROUTES as HEALTH
from gatewayz.areas.huggingface.routes import ROUTES as HUGGINGFACE
from gatewayz.areas.inference.routes import ROUTES as INFERENCE
from gatewayz.areas.instrumentation.routes import ROUTES as INSTRUMENTATION
from gatewayz.areas.metrics.routes import ROUTES as METRICS
from gatewayz.areas.model_health.routes import ROUTES as MODEL_HEALTH
from gatewayz.areas.model_registry.routes import ROUTES as MODEL_REGISTRY
from gatewayz.areas.model_traffic.routes import ROUTES as MODEL_TRAFFIC
from gatewayz.areas.monitoring.routes import ROUTES as MONITORING
from gatewayz.areas.notifications.routes import ROUTES as NOTIFICATIONS
from gatewayz.areas.pages.routes import ROUTES as PAGES
from gatewayz.areas.partner_trials.routes import ROUTES as PARTNER_TRIALS
from gatewayz.areas.payments.routes import ROUTES as PAYMENTS
from gatewayz.areas.plans.routes import ROUTES as PLANS
from gatewayz.areas.providers.routes import ROUTES as PROVIDERS
from gatewayz.areas.rankings.routes import ROUTES as RANKINGS
from gatewayz.areas.rate_limits.routes import ROUTES as RATE_LIMITS
from gatewayz.areas.referrals.routes import ROUTES as REFERRALS
from gatewayz.areas.sharing.routes import ROUTES as SHARING
from gatewayz.areas.status.routes import ROUTES as STATUS
from gatewayz.areas.system.routes import ROUTES as SYSTEM
from gatewayz.areas.system.routes import root_route
from gatewayz.areas.tools.routes import ROUTES as TOOLS
from gatewayz.areas.webhooks.routes import ROUTES as WEBHOOKS
from gatewayz.config.env import environment
from gatewayz.config.load import Loaded, load
from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.config.sections.serving import Server
from gatewayz.flow.gateway import Gateway
from gatewayz.lifecycle.lifecycle import Lifecycle
from gatewayz.sdk.errors import GatewayzError
from gatewayz.server.lifespan import LifespanError
from gatewayz.server.run import run as run_server
from gatewayz.server.workers import run_workers
from gatewayz.telemetry.logs import configure_logging
from gatewayz.telemetry.metrics.request_record import RequestRecord
from gatewayz.web.application import create_application
from gatewayz.web.asgi import ASGI
from gatewayz.web.exchange import KeepAlive
from gatewayz.web.hot import HOT_ROUTES, HotFront
from gatewayz.web.openapi import describe
from gatewayz.web.routes import Route

__all__ = ["ROUTES", "create_app", "create_worker_app", "openapi_document", "run"]

_log = logging.getLogger("gatewayz")


@cache
def openapi_document() -> bytes:
    """Return the description of every endpoint, encoded."""
    document = describe(ROUTES, HOT_ROUTES, version=__version__)
    return msgspec.json.format(msgspec.json.encode(document, order="deterministic"), indent=1) + b"\n"


ROUTES: Final[tuple[Route, ...]] = (
    root_route(lambda: ROUTES),
    *SYSTEM,
    *HEALTH,
    *STATUS,
    *CATALOG,
    *HUGGINGFACE,
    *MODEL_HEALTH,
    *AVAILABILITY,
    *MODEL_TRAFFIC,
    *MODEL_REGISTRY,
    *GATEWAYS,
    *PROVIDERS,
    *RANKINGS,
    *INFERENCE,
    *FILES,
    *BATCHES,
    *CHAT_METRICS,
    *CHAT_SESSIONS,
    *FEEDBACK,
    *SHARING,
    *METRICS,
    *MONITORING,
    *GRAFANA,
    *DIAGNOSTICS,
    *INSTRUMENTATION,
    *GENERATIONS,
    *ANALYTICS,
    *ERROR_MONITOR,
    *CIRCUIT_BREAKERS,
    *CODE_ROUTER,
    *GENERAL_ROUTER,
    *API_KEYS,
    *RATE_LIMITS,
    *AUTH,
    *ACCOUNT,
    *ADMIN_USERS,
    *ADMIN_ROLES,
    *CREDITS,
    *ADMIN_CREDITS,
    *PAYMENTS,
    *ADMIN_CACHES,
    *ADMIN_COUPONS,
    *ADMIN_DOWNTIME,
    *ADMIN_IP_ALLOWLIST,
    *ADMIN_MODEL_SYNC,
    *ADMIN_MONITOR,
    *ADMIN_PLANS,
    *ADMIN_RATE_LIMITS,
    *ADMIN_TRIALS,
    *COUPONS,
    *PARTNER_TRIALS,
    *PLANS,
    *REFERRALS,
    *NOTIFICATIONS,
    *WEBHOOKS,
    *TOOLS,
    *PAGES,
    *DOCUMENTATION,
    document_route(openapi_document),
)
"""Every endpoint but the hot inference routes, which are in `gatewayz.web.hot.HOT_ROUTES`."""


def create_app(loaded: Loaded, *, overlay: str | None = None, figures: Path | None = None) -> ASGI:
    """Return the application of a configuration; it opens everything in ASGI's lifespan.

    :param figures: folder in which workers tell each other their figures; None for a process that is alone.
    """
    gateway = Gateway()
    keep_alive = KeepAlive()
    requests = RequestRecord()
    lifecycle = Lifecycle(loaded, gateway, keep_alive, overlay, requests=requests, figures=figures)
    limit = loaded.settings.server.max_body_bytes
    application = create_application(gateway, ROUTES, lambda: lifecycle.services, limit, requests)

    @application.before_serving
    async def start() -> None:
        await lifecycle.start()
        _reload_on_hangup(lifecycle)

    @application.after_serving
    async def stop() -> None:
        await lifecycle.stop()

    return HotFront(cast(ASGI, application), gateway, keep_alive, requests)


def create_worker_app(config_path: str, overlay: str, figures: str) -> ASGI:
    """Return the application for one of several worker processes. See `server.workers.run_workers`."""
    loaded = load(Path(config_path), overlay=overlay or None, environ=environment())
    configure_logging(loaded.settings.logging)
    return create_app(loaded, overlay=overlay or None, figures=Path(figures))


def run(
    config_path: Path,
    *,
    env: str | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
) -> int:
    """Serve until stopped. Returns the exit code: 0 after an orderly stop, 1 when it could not start."""
    try:
        loaded = load(config_path, overlay=env, environ=environment())
    except ConfigurationInvalid as err:
        sys.stderr.write(f"{err}\n")
        return 1
    configure_logging(loaded.settings.logging)
    server = _with_options(loaded.settings.server, host, port, workers)
    try:
        if server.workers > 1:
            with TemporaryDirectory(prefix="gatewayz-figures-") as figures:
                arguments = (str(config_path), env or "", figures)
                run_workers("gatewayz.app:create_worker_app", server, arguments=arguments, ready=_announce)
        else:
            run_server(create_app(loaded, overlay=env), server, ready=_announce)
    except (GatewayzError, LifespanError, OSError) as err:
        _log.error("the gateway could not serve: %s", err)
        return 1
    return 0


def _with_options(server: Server, host: str | None, port: int | None, workers: int | None) -> Server:
    given = {"host": host, "port": port, "workers": workers}
    return msgspec.structs.replace(server, **{name: value for name, value in given.items() if value is not None})


def _announce(addresses: list[tuple[str, int]]) -> None:
    for host, port in addresses:
        shown = f"[{host}]" if ":" in host else host
        _log.info("listening on http://%s:%d", shown, port)


def _reload_on_hangup(lifecycle: Lifecycle) -> None:
    if hasattr(signal, "SIGHUP"):
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lifecycle.watch.reload)
