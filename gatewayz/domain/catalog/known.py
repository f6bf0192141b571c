"""What is known of models and offers beside the settings: the shipped snapshot, and what providers list themselves.

The snapshot is gzipped JSON. Its offers lie apart by provider, so that only those of configured
providers are ever read.
"""

import gzip
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

import msgspec

from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.offers import Price

__all__ = [
    "NOTHING_KNOWN",
    "SNAPSHOT_NAME",
    "Known",
    "KnownModel",
    "KnownOffer",
    "LeftOut",
    "Snapshot",
    "read_snapshot",
]

SNAPSHOT_NAME: Final = "catalog.json.gz"
_LARGEST: Final = 64 * 1024 * 1024


class KnownModel(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Facts about a model that hold at every provider; None is unknown."""

    name: str | None = None
    context_length: int | None = None
    max_output_tokens: int | None = None
    features: tuple[str, ...] = ()
    modality: str = "text->text"
    created: str | None = None
    """ISO date of release."""
    default_output_tokens: int | None = None
    median: int | None = None
    """Of what it costs at all providers; see `gate.blended`."""


class KnownOffer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A model at a provider; always priced."""

    model: str
    """Canonical id."""
    id: str
    """The provider's own."""
    price: Price
    context_length: int | None = None
    max_output_tokens: int | None = None
    features: tuple[str, ...] | None = None


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Models by canonical id, and offers by provider instance."""

    models: Mapping[str, KnownModel]
    offers: Mapping[str, tuple[KnownOffer, ...]]
    withdrawn: frozenset[tuple[str, str]] = frozenset()
    """Provider and model of offers that its provider no longer lists."""


NOTHING_KNOWN: Final = Known(models={}, offers={})


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A model of a provider that the snapshot has no offer for."""

    id: str
    """The provider's own."""
    reason: Literal["unpriced", "price_outlier", "unknown_maker"]
    detail: str = ""


class _File(msgspec.Struct, frozen=True, kw_only=True):
    date: str
    models: dict[str, KnownModel]
    offers: dict[str, msgspec.Raw]
    left_out: dict[str, msgspec.Raw]
    makers: dict[str, str]
    families: dict[str, str]


class Snapshot:
    """The catalog as shipped."""

    def __init__(self, file: _File) -> None:
        self.date = file.date
        """ISO date its sources were read."""
        self.models: Mapping[str, KnownModel] = file.models
        self.makers: Mapping[str, str] = file.makers
        """How providers spell makers to how canonical ids do."""
        self.families: Mapping[str, str] = file.families
        """Beginnings of model names to their makers."""
        self._raw = file.offers
        self._left_out = file.left_out
        self._read: dict[str, tuple[KnownOffer, ...]] = {}

    @property
    def providers(self) -> frozenset[str]:
        """Every provider it has offers of, configured or not."""
        return frozenset(self._raw)

    def offers_of(self, providers: Iterable[str]) -> dict[str, tuple[KnownOffer, ...]]:
        """Return the offers of these providers, read once."""
        return {name: self._offers(name) for name in providers if name in self._raw}

    def known(self, providers: Iterable[str]) -> Known:
        """Return it as far as these providers go."""
        return Known(models=self.models, offers=self.offers_of(providers))

    def left_out_of(self, providers: Iterable[str]) -> dict[str, tuple[LeftOut, ...]]:
        """Return what it has no offers for at these providers, and why."""
        return {name: _LEFT_OUT.decode(self._left_out[name]) for name in providers if name in self._left_out}

    def _offers(self, provider: str) -> tuple[KnownOffer, ...]:
        found = self._read.get(provider)
        if found is None:
            found = self._read[provider] = _OFFERS.decode(self._raw[provider])
        return found


_OFFERS: Final = msgspec.json.Decoder(tuple[KnownOffer, ...])
_LEFT_OUT: Final = msgspec.json.Decoder(tuple[LeftOut, ...])
_FILE: Final = msgspec.json.Decoder(_File)


def read_snapshot(path: Path) -> Snapshot:
    """Return the snapshot of a file. Raises ConfigurationError when it cannot be read."""
    try:
        with gzip.open(path) as file:
            data = file.read(_LARGEST)
        return Snapshot(_FILE.decode(data))
    except (OSError, EOFError, msgspec.DecodeError) as err:
        raise ConfigurationError(f"the catalog snapshot {path.name} cannot be read: {err}") from err
