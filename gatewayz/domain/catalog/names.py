"""The names a model answers to, as dicts from lower-case name to canonical id.

Earlier kinds win: alias, canonical id, id without its vendor, spelling with dashes for dots; then
what providers call it, with and without the provider's name in front.
Source: spec 00 §8, §9.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gatewayz.domain.catalog.catalog import Model

__all__ = ["dashed", "index_ids", "index_native_names"]


def dashed(name: str) -> str:
    """Return a name as clients write it that avoid dots and underscores: `gpt-5.1` is `gpt-5-1`."""
    return name.replace(".", "-").replace("_", "-")


def index_ids(ids: Iterable[str], aliases: Mapping[str, str]) -> dict[str, str]:
    """Return every name that follows from the ids and the aliases alone.

    :param aliases: lower-case name to lower-case name; an alias to nothing here is passed over, so
        that an id which is also an alias keeps its own meaning when the alias cannot be served.
    """
    by_id = {model_id.lower(): model_id for model_id in ids}
    names: dict[str, str] = {}
    for alias, target in aliases.items():
        found = by_id.get(target) or by_id.get(aliases.get(target, target))
        if found is not None:
            names[alias] = found
    for name, model_id in by_id.items():
        names.setdefault(name, model_id)
    _add_unambiguous(names, ((name.partition("/")[2], model_id) for name, model_id in by_id.items()))
    _add_unambiguous(names, [(dashed(name), model_id) for name, model_id in names.items()])
    return names


def index_native_names(models: Iterable["Model"]) -> dict[str, tuple[str, str | None]]:
    """Return what providers call the models: name to canonical id and the only provider that says so.

    The provider is None where several use the same name. Of two models that share one, the model
    with that very name wins, else the first.
    """
    named: dict[str, list[tuple[str, str]]] = {}
    for model in models:
        for offer in model.offers:
            native = offer.upstream_model.lower()
            for name in (native, f"{offer.provider.lower()}/{native}"):
                named.setdefault(name, []).append((model.id, offer.provider))
    found: dict[str, tuple[str, str | None]] = {}
    for name, users in named.items():
        model_id = _namesake(name, users)
        providers = {provider for user_id, provider in users if user_id == model_id}
        found[name] = (model_id, providers.pop() if len(providers) == 1 else None)
    return found


def _namesake(name: str, users: list[tuple[str, str]]) -> str:
    first = users[0][0]
    if all(user_id == first for user_id, _ in users):
        return first
    bare = dashed(name.rpartition("/")[2])
    return next((user_id for user_id, _ in users if dashed(user_id.lower().rpartition("/")[2]) == bare), first)


def _add_unambiguous(names: dict[str, str], candidates: Iterable[tuple[str, str]]) -> None:
    """Add the candidates that are not taken and mean one id only."""
    meanings: dict[str, set[str]] = {}
    for name, model_id in candidates:
        if name and name not in names:
            meanings.setdefault(name, set()).add(model_id)
    names.update((name, ids.pop()) for name, ids in meanings.items() if len(ids) == 1)
