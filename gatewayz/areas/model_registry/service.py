"""The canonical models of the gateway's own catalog. Source: spec 02 §2 (4.2); decision 0145.

A model is *graduated* when it can be called: a configured provider serves it at a known price. One that
is known and cannot be called is in the registry too.
"""

from typing import Any, Final

import msgspec

from gatewayz.domain.catalog.catalog import Catalog, Model
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.offers import Offer

__all__ = ["RegistryQuery", "check_model", "list_ids", "list_models"]

_SOURCE: Final = "catalog"


class RegistryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which of them."""

    is_graduated: bool | None = None


def list_models(catalog: Catalog, query: RegistryQuery) -> dict[str, Any]:
    """Return `GET /v1/modelz/models`."""
    models = [_row(model_id, is_graduated) for model_id, is_graduated in _ids(catalog, query)]
    return {
        "models": models,
        "total_count": len(models),
        "filter": _filter(query),
        "source": _SOURCE,
        "api_reference": "/v1/models",
    }


def list_ids(catalog: Catalog, query: RegistryQuery) -> dict[str, Any]:
    """Return `GET /v1/modelz/ids`."""
    ids = [model_id for model_id, _ in _ids(catalog, query)]
    return {"model_ids": ids, "total_count": len(ids), "filter": _filter(query), "source": _SOURCE}


def check_model(catalog: Catalog, name: str, query: RegistryQuery) -> dict[str, Any]:
    """Return `GET /v1/modelz/check/{model_id}`, for any name of the model."""
    model = _find(catalog, name)
    model_id = model.id if model is not None else name.strip().lower()
    is_known = model is not None or model_id in {each.lower() for each in catalog.left_out()}
    is_graduated = model is not None
    exists = is_known and query.is_graduated in (None, is_graduated)
    answer: dict[str, Any] = {
        "model_id": name,
        "exists_on_modelz": exists,
        "filter": _filter(query),
        "source": _SOURCE,
    }
    if exists:
        answer["model_details"] = _row(model_id, is_graduated) | (_details(model) if model is not None else {})
    return answer


def _ids(catalog: Catalog, query: RegistryQuery) -> list[tuple[str, bool]]:
    known = [(model.id, True) for model in catalog.models()]
    known += [(model_id, False) for model_id in catalog.left_out()]
    return sorted(each for each in known if query.is_graduated in (None, each[1]))


def _find(catalog: Catalog, name: str) -> Model | None:
    try:
        return catalog.resolve(name)
    except GatewayzError:  # whatever is wrong with a name, it names no model
        return None


def _row(model_id: str, is_graduated: bool) -> dict[str, Any]:
    return {
        "model_id": model_id,
        "is_graduated": is_graduated,
        "token_data": None,
        "source": _SOURCE,
        "has_token": False,
    }


def _details(model: Model) -> dict[str, Any]:
    offers: dict[str, Offer] = {offer.provider: offer for offer in reversed(model.offers)}
    return {
        "name": model.name,
        "owned_by": model.owned_by,
        "context_length": model.context_length,
        "modality": model.modality,
        "providers": sorted(offers),
    }


def _filter(query: RegistryQuery) -> dict[str, bool | None]:
    return {"is_graduated": query.is_graduated}
