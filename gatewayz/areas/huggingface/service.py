"""Answers about open models. A hub that cannot be asked empties a list and refuses everything else."""

from collections.abc import Awaitable
from datetime import datetime
from typing import Any, TypeVar

from msgspec import to_builtins

from gatewayz.domain.hub.hub import Hub, HubNotConfigured, HubUnreachable, metrics_of
from gatewayz.sdk.errors import UpstreamError
from gatewayz.sdk.hub import HubModel, HubQuery

__all__ = ["list_models", "show_card", "show_details", "show_files"]

T = TypeVar("T")
_SOURCE = "huggingface-hub"
"""What answers without any hub name as their source."""


async def list_models(hub: Hub, query: HubQuery, now: datetime) -> dict[str, Any]:
    """Return a page of models with `models, count, source, note, pagination, timestamp`."""
    models: tuple[HubModel, ...] = ()
    has_more, source, note = False, _SOURCE, None
    try:
        current = hub.current
        source, note = current.source, current.note
        listing = await current.search(query)
        models, has_more = listing.models, listing.has_more
    except HubNotConfigured as err:
        note = err.message
    except UpstreamError:
        note = "the model hub cannot be reached"
    return {
        "models": [_model(model) for model in models],
        "count": len(models),
        "source": source,
        "note": note,
        "pagination": {
            "limit": query.limit,
            "offset": query.offset,
            "has_more": has_more,
            "next_offset": query.offset + len(models) if has_more else None,
        },
        "timestamp": now.isoformat(),
    }


async def show_details(hub: Hub, model_id: str, now: datetime) -> dict[str, Any]:
    """Return one model; `downloads`, `likes` and `parameters` stand at the top too (4.5.4).

    Raises ModelNotFound, HubUnreachable, HubNotConfigured; so do the next ones.
    """
    current = hub.current
    model = await _asked(current.details(model_id))
    return {
        "model": _model(model),
        "downloads": model.downloads,
        "likes": model.likes,
        "parameters": model.parameters,
        **_about(hub, now),
    }


async def show_card(hub: Hub, model_id: str, now: datetime) -> dict[str, Any]:
    """Return a model's card as Markdown."""
    card = await _asked(hub.current.card(model_id))
    return {"model_id": model_id, "card": card, **_about(hub, now)}


async def show_files(hub: Hub, model_id: str, now: datetime) -> dict[str, Any]:
    """Return a model's files; an empty list with a note where they are not known."""
    files = await _asked(hub.current.files(model_id))
    about = _about(hub, now)
    if files is None:
        about["note"] = "the files of this model are not recorded"
    return {"model_id": model_id, "files": to_builtins(files or ()), "count": len(files or ()), **about}


async def _asked(asking: Awaitable[T]) -> T:
    try:
        return await asking
    except UpstreamError as err:
        raise HubUnreachable("the model hub cannot be reached", retry_after_s=15.0) from err


def _about(hub: Hub, now: datetime) -> dict[str, Any]:
    return {"source": hub.current.source, "note": hub.current.note, "timestamp": now.isoformat()}


def _model(model: HubModel) -> dict[str, Any]:
    return {
        "id": model.id,
        "name": model.id.rpartition("/")[2],
        "author": model.author,
        "downloads": model.downloads,
        "likes": model.likes,
        "parameters": model.parameters,
        "pipeline_tag": model.pipeline_tag,
        "library": model.library,
        "license": model.license,
        "created_at": model.created_at,
        "tags": list(model.tags),
        "huggingface_metrics": metrics_of(model),
    }
