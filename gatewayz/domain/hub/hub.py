"""What a model hub knows of models: for endpoints of its own, and as figures beside the catalog.

Source: spec 02 §1 (`huggingface_metrics`), 4.1.11, 4.5.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Final

import msgspec

from gatewayz.domain.catalog.catalog import Model
from gatewayz.sdk.errors import ModelNotFound, ServiceError, UpstreamError
from gatewayz.sdk.hub import HubModel, ModelHub

__all__ = ["Hub", "HubNotConfigured", "HubUnreachable", "metrics_of"]

METRICS_WAIT_S: Final = 3.0
"""How long an answer of the catalog waits for figures that it can do without."""
MAX_IDS: Final = 3

_log = logging.getLogger("gatewayz.hub")


class HubNotConfigured(ServiceError):
    """This gateway asks no model hub."""

    status = 503
    default_code = "HUB_NOT_CONFIGURED"


class HubUnreachable(ServiceError):
    """The model hub does not answer."""

    status = 503
    default_code = "HUB_UNREACHABLE"


class Hub:
    """:param current: the hub of the configuration in force, None for no hub."""

    def __init__(self, current: Callable[[], ModelHub | None]) -> None:
        self._current = current

    @property
    def current(self) -> ModelHub:
        """The hub itself. Raises HubNotConfigured."""
        hub = self._current()
        if hub is None:
            raise HubNotConfigured("no model hub is configured")
        return hub

    async def metrics(self, model: Model) -> dict[str, Any] | None:
        """Return `huggingface_metrics` of a model of the catalog; None when the hub has not got it, or not in time.

        Never raises: the hub is beside the point of who asks for a model.
        """
        hub = self._current()
        if hub is None:
            return None
        try:
            async with asyncio.timeout(METRICS_WAIT_S):
                found = await _first(hub, hub_ids(model))
        except (UpstreamError, TimeoutError) as err:
            _log.info("no figures of the model hub for %s: %s", model.id, type(err).__name__)
            return None
        return None if found is None else metrics_of(found)


async def _first(hub: ModelHub, ids: tuple[str, ...]) -> HubModel | None:
    for model_id in ids:
        try:
            return await hub.details(model_id)
        except ModelNotFound:
            continue
    return None


def hub_ids(model: Model) -> tuple[str, ...]:
    """Return the ids by which a hub may know a model: its own, and those by which providers have it.

    Providers of open models mostly use the hub's ids, capital letters included.
    """
    upstream = [offer.upstream_model.partition(":")[0] for offer in model.offers]
    cased = [name for name in upstream if name.count("/") == 1 and name != name.lower()]
    return tuple(dict.fromkeys((*cased, model.id)))[:MAX_IDS]


def metrics_of(model: HubModel) -> dict[str, Any]:
    """Return a hub's figures in the words of the specification; what is not known is null."""
    return {
        "downloads": model.downloads,
        "likes": model.likes,
        "pipeline_tag": model.pipeline_tag,
        "num_parameters": model.parameters,
        "gated": model.gated,
        "private": model.private,
        "last_modified": model.last_modified,
        "author": model.author,
        "author_data": None if model.author_data is None else msgspec.to_builtins(model.author_data),
        "available_inference_providers": list(model.inference_providers),
    }
