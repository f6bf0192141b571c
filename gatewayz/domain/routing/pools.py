"""`router:` names: which router they mean, and in which mode. Source: spec 01 §3."""

from collections.abc import Mapping
from typing import Final

import msgspec

from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.interfaces import Capabilities, PoolRouter, Router
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.outcomes import HearsOutcomes, Opinion
from gatewayz.sdk.recent import Recent
from gatewayz.sdk.wire import OPENAI_EMBEDDINGS, OPENAI_IMAGES

__all__ = ["Pool", "Pools"]

_PREFIXES: Final = ("router", "gatewayz-", "Router", "ROUTER", "Gatewayz-")
_ANSWERS_TEXT: Final = "->text"


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """What a name stands for."""

    instance: str
    mode: str
    router: PoolRouter
    hears: HearsOutcomes | None = None
    """The router again, where it wants to know how its answers ended."""

    @property
    def name(self) -> str:
        """The name in full: `router:general:balanced`."""
        return f"router:{self.instance}:{self.mode}"


class Pools:
    """Every name of every router that chooses among models, and what there is to choose from.

    :param capabilities: provider instance to what it promises.
    """

    def __init__(self, routers: Mapping[str, Router], capabilities: Mapping[str, Capabilities]) -> None:
        self._routers = {name: router for name, router in routers.items() if isinstance(router, PoolRouter)}
        self._names: dict[str, Pool] = {}
        self._hearing = {name: router for name, router in self._routers.items() if isinstance(router, HearsOutcomes)}
        for instance, router in self._routers.items():
            self._add_names(instance, router)
        self._talking = frozenset(name for name, promised in capabilities.items() if _talks(promised))
        self._offers = Recent(self._list_offers)

    @property
    def routers(self) -> Mapping[str, PoolRouter]:
        """Every router that chooses among models, by its instance name."""
        return self._routers

    def router(self, instance: str) -> PoolRouter | None:
        """Return a router that chooses among models by its instance name."""
        return self._routers.get(instance)

    def find(self, name: str) -> Pool | None:
        """Return what a model's name stands for, None when it is the name of a model.

        Raises InvalidRequest (400) naming the modes, or the routers, for a router's name with a wrong word.
        """
        if not name.startswith(_PREFIXES):
            return None
        name = name.strip().lower()
        if (pool := self._names.get(name)) is not None:
            return pool
        if name.startswith("router:"):
            raise self._unknown(name, name.split(":")[1])
        for instance in self._routers:
            if name.startswith(f"gatewayz-{instance}-"):
                raise self._unknown(name, instance)
        return None

    def offers(self, catalog: Catalog) -> tuple[Offer, ...]:
        """Return the offers of every model that answers conversations: one tuple for each catalog."""
        return self._offers.of(catalog)

    @property
    def is_listening(self) -> bool:
        """Whether any router would make something of an opinion."""
        return any(router.is_listening for router in self._hearing.values())

    def hear_opinion(self, opinion: Opinion) -> None:
        """Tell every router that listens. Never raises: routers are fenced."""
        for router in self._hearing.values():
            if router.is_listening:
                router.hear_opinion(opinion)

    def _list_offers(self, catalog: Catalog) -> tuple[Offer, ...]:
        models = [model for model in catalog.models() if model.modality.endswith(_ANSWERS_TEXT)]
        return tuple(offer for model in models for offer in model.offers if offer.provider in self._talking)

    def _add_names(self, instance: str, router: PoolRouter) -> None:
        default = next(iter(router.modes))
        named = {f"router:{instance}": default, f"gatewayz-{instance}": default, **router.names}
        for mode in router.modes:
            named[f"router:{instance}:{mode}"] = named[f"gatewayz-{instance}-{mode}"] = mode
        hears = self._hearing.get(instance)
        for name, mode in named.items():
            self._names.setdefault(name.lower(), Pool(instance=instance, mode=mode, router=router, hears=hears))

    def _unknown(self, name: str, instance: str) -> InvalidRequest:
        router = self._routers.get(instance)
        if router is not None:
            allowed, said = list(router.modes), f"router {instance!r} has no such mode"
        else:
            allowed, said = sorted(known for known in self._names if known.startswith("router")), "no such router"
        return InvalidRequest(
            f"{name[:80]!r}: {said}; allowed: {', '.join(allowed)}",
            code="INVALID_MODEL_FORMAT",
            param="model",
            context={"parameter_name": "model", "parameter_value": name[:80], "allowed_values": allowed},
        )


def _talks(promised: Capabilities) -> bool:
    return promised.chat or bool(promised.formats - {OPENAI_EMBEDDINGS, OPENAI_IMAGES})
