"""Names in the configuration that must lead somewhere, and openings that an operator should know of."""

from collections.abc import Collection, Iterator
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from gatewayz.config.load import Loaded
from gatewayz.config.problems import KeyPath, Problem, did_you_mean
from gatewayz.config.promotions import check_promotions
from gatewayz.config.sections.mcp import MCP_NEEDED, is_mcp_installed
from gatewayz.config.sections.models import PriceEntry, Rate

__all__ = ["check_references"]

_FREE: Final = ":free"
_RATES: Final = frozenset(PriceEntry.__struct_fields__) - {"tiers", "source", "date"}


def check_references(loaded: Loaded, shipped_models: Collection[str] = ()) -> list[Problem]:
    """Return a problem for each name that leads nowhere, and a warning for each operator route left open.

    :param shipped_models: ids of models that are known besides those of the settings.
    """
    models = {*loaded.settings.models, *shipped_models}
    found = (
        _providers(loaded),
        _offers(loaded, shipped_models),
        _free(loaded),
        _aliases(loaded, models),
        _router(loaded),
    )
    return [
        problem for each in (*found, check_promotions(loaded), _extras(loaded), _openings(loaded)) for problem in each
    ]


def _providers(loaded: Loaded) -> Iterator[Problem]:
    """A provider may be switched off with `enabled: false`; a name that no entry has is a mistake."""
    known = loaded.settings.providers
    for path, name in _provider_names(loaded):
        if name not in known:
            yield loaded.problem(path, f"there is no provider {name!r}{did_you_mean(name, known)}")


def _provider_names(loaded: Loaded) -> Iterator[tuple[KeyPath, str]]:
    failover, detection = loaded.settings.failover, loaded.settings.detection
    for key in ("chain", "others"):
        for index, name in enumerate(getattr(failover, key)):
            yield ("failover", key, index), name
    for key in ("pinned", "pinned_suffixes"):
        for shape, names in getattr(failover, key).items():
            for index, name in enumerate(names):
                yield ("failover", key, shape, index), name
    for number, rule in enumerate(detection.rules):
        for index, name in enumerate(rule.providers):
            yield ("detection", "rules", number, "providers", index), name
    for index, name in enumerate(detection.default):
        yield ("detection", "default", index), name
    for slug, name in detection.slugs.items():
        yield ("detection", "slugs", slug), name


def _offers(loaded: Loaded, shipped_models: Collection[str]) -> Iterator[Problem]:
    """Warn of offers at providers that are not configured, which are passed over; refuse models without a price."""
    settings = loaded.settings
    for model, entry in settings.models.items():
        for provider in entry.offers:
            if provider not in settings.providers:
                hint = did_you_mean(provider, settings.providers)
                message = f"passed over: there is no provider {provider!r}{hint}"
                yield loaded.problem(("models", model, "offers", provider), message, is_warning=True)
        if model in shipped_models or not entry.enabled:
            continue
        if entry.price is None and all(offer.price is None for offer in entry.offers.values()):
            yield loaded.problem(("models", model), "has no price, so calls are refused with model_pricing_missing")


def _free(loaded: Loaded) -> Iterator[Problem]:
    """Refuse prices of models that say in their name that they are free."""
    message = f"a model whose id ends in '{_FREE}' costs nothing: every rate is 0, or the model has another id"
    for model, entry in loaded.settings.models.items():
        if not model.endswith(_FREE) or not entry.enabled:
            continue
        if entry.price is not None and _costs(entry.price):
            yield loaded.problem(("models", model, "price"), message)
        for provider, offer in entry.offers.items():
            if offer.price is not None and _costs(offer.price):
                yield loaded.problem(("models", model, "offers", provider, "price"), message)


def _costs(price: PriceEntry) -> bool:
    """Tell whether a rate is not 0; what is no number is reported where prices are read."""
    tiers = [msgspec.structs.asdict(tier) for tier in price.tiers]
    rates = [rate for each in (msgspec.structs.asdict(price), *tiers) for name, rate in each.items() if name in _RATES]
    return any(_is_above_zero(rate) for rate in rates if rate is not None)


def _is_above_zero(rate: Rate) -> bool:
    try:
        return Decimal(str(rate)) > 0
    except InvalidOperation:
        return False


def _aliases(loaded: Loaded, models: Collection[str]) -> Iterator[Problem]:
    settings = loaded.settings
    known = {name.lower() for name in (*models, *settings.aliases)}
    for alias, target in settings.aliases.items():
        if target.lower() not in known:
            hint = did_you_mean(target, models)
            yield loaded.problem(("aliases", alias), f"leads to nothing: there is no model {target!r}{hint}")


def _router(loaded: Loaded) -> Iterator[Problem]:
    settings = loaded.settings
    if settings.default_router not in settings.routers:
        hint = did_you_mean(settings.default_router, settings.routers)
        message = f"there is no router {settings.default_router!r}{hint}"
        yield loaded.problem(("default_router",), message)


def _extras(loaded: Loaded) -> Iterator[Problem]:
    if loaded.settings.mcp.enabled and not is_mcp_installed():
        yield loaded.problem(("mcp", "enabled"), f"the MCP SDK is not installed: {MCP_NEEDED}")


def _openings(loaded: Loaded) -> Iterator[Problem]:
    access = loaded.settings.access
    if access.circuit_breakers == "public":
        message = "anyone can reset circuit breakers; say `admin` outside of development"
        yield loaded.problem(("access", "circuit_breakers"), message, is_warning=True)
    if loaded.settings.environment == "production" and access.metrics == "public":
        yield loaded.problem(("access", "metrics"), "anyone can read metrics", is_warning=True)
    if loaded.settings.environment == "production" and loaded.settings.billing.use == "unmetered":
        yield loaded.problem(("billing",), "calls are not paid for: billing is unmetered", is_warning=True)
