"""Settings and capabilities as small catalogs need them, and the shipped data."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gatewayz.config.settings import Settings
from gatewayz.sdk.interfaces import Capabilities

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
def shipped_settings() -> Settings:
    sections = ("models", "aliases", "failover", "detection")
    return msgspec.convert({name: shipped_section(name) for name in sections}, Settings)
