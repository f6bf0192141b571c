"""What the model hub says of the models shown. Source: spec 02 §1 (`huggingface_metrics`), 4.1.11."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gatewayz.areas.catalog.service import ModelLists
from gatewayz.domain.catalog.catalog import Model
from gatewayz.domain.hub.hub import Hub

__all__ = ["MAX_ENRICHED", "with_metrics"]

MAX_ENRICHED: Final = 100
"""Rows of a page with figures of the hub."""
_AT_ONCE: Final = 8
_WAIT_S: Final = 3.0
"""How long a page waits for all its figures; those that come later are null."""


async def with_metrics(lists: ModelLists, hub: Hub, encoded: Sequence[msgspec.Raw]) -> tuple[msgspec.Raw, ...]:
    """Return at most `MAX_ENRICHED` rows with the figures of the hub in each; never raises for the hub."""
    rows: list[dict[str, Any]] = [msgspec.json.decode(row) for row in encoded]
    models = [model for row in rows if (model := lists.catalog.find(row["id"])) is not None]
    figures = await _figures(hub, models)
    return tuple(
        msgspec.Raw(msgspec.json.encode({**row, "huggingface_metrics": figures.get(row["id"])})) for row in rows
    )


async def _figures(hub: Hub, models: Sequence[Model]) -> Mapping[str, dict[str, Any] | None]:
    gate = asyncio.Semaphore(_AT_ONCE)

    async def ask(model: Model) -> dict[str, Any] | None:
        async with gate:
            return await hub.metrics(model)

    tasks = {model.id: asyncio.ensure_future(ask(model)) for model in models}
    if tasks:
        _, late = await asyncio.wait(tasks.values(), timeout=_WAIT_S)
        for task in late:
            task.cancel()
    return {model_id: task.result() for model_id, task in tasks.items() if task.done() and not task.cancelled()}
