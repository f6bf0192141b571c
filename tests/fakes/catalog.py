"""Settings and capabilities as small catalogs need them, and the shipped data."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gatewayz.config.settings import Settings
from gatewayz.domain.catalog.known import SNAPSHOT_NAME, Known, KnownModel, KnownOffer, Snapshot, read_snapshot
from gatewayz.sdk.interfaces import Capabilities
from gatewayz.sdk.offers import Price

CONFIG = Path(__file__).resolve().parents[2] / "config"
PRICE = {"input": "1", "output": "2"}


def settings_of(models: dict[str, dict[str, Any]], **sections: Any) -> Settings:
    """Models as provider to id; every offer has a price unless its id is None."""
    entries = {
        model: {"offers": {name: {"id": native, "price": PRICE} for name, native in offers.items()}}
        for model, offers in models.items()
    }
    return msgspec.convert({"models": entries, **sections}, Settings)


def configured(*names: str) -> dict[str, Capabilities]:
    return {name: Capabilities() for name in names}


@cache
def shipped_section(name: str) -> Any:
    return yaml.load((CONFIG / f"{name}.yaml").read_text(), Loader=yaml.CSafeLoader)


@cache
def shipped_snapshot() -> Snapshot:
    return read_snapshot(CONFIG / SNAPSHOT_NAME)


def many_models(count: int, providers: tuple[str, ...]) -> Known:
    """`count` models, each at every one of the providers, at prices that differ."""
    models = {f"maker-{number % 50}/model-{number}": KnownModel(context_length=8192) for number in range(count)}
    offers = {
        provider: tuple(
            KnownOffer(model=model, id=f"{provider}-{model}", price=Price(input=place + at + 1, output=place + at + 2))
            for place, model in enumerate(models)
        )
        for at, provider in enumerate(providers)
    }
    return Known(models=models, offers=offers)


@cache
def shipped_settings() -> Settings:
    sections = ("models", "aliases", "failover", "detection")
    return msgspec.convert({name: shipped_section(name) for name in sections}, Settings)
