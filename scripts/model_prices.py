"""Price lists as they are published, read as prices in US dollars per million tokens."""

import importlib
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, ClassVar, Final

import msgspec

__all__ = ["Fact", "GenaiPrices", "ListPrices", "Litellm", "decimal_text"]

Prices = dict[str, Any]
"""The keys of a price entry; numbers as decimal text."""


class Fact(msgspec.Struct, kw_only=True):
    """What one source says of one offer."""

    price: Prices | None
    context_length: int | None = None
    max_output_tokens: int | None = None
    features: tuple[str, ...] = ()
    described: bool = False
    """The source lists features, so that a missing one means something."""
    name: str | None = None
    mode: str = "chat"


def decimal_text(value: Any, scale: int = 1) -> str | None:
    """Return a positive number times `scale` as plain decimal text; None for zero and nothing."""
    if not isinstance(value, int | float | Decimal | str) or isinstance(value, bool):
        return None
    number = (Decimal(str(value)) * scale).quantize(Decimal("1e-9"))
    return f"{number.normalize():f}" if number > 0 else None


class Litellm:
    """litellm's `model_prices_and_context_window_backup.json` (MIT)."""

    PREFIXES: ClassVar[dict[str, tuple[str, ...]]] = {
        "openai": ("",), "anthropic": ("",), "google-vertex": ("", "vertex_ai/"), "google-ai-studio": ("gemini/",),
        "groq": ("groq/",),
        "together": ("together_ai/",), "fireworks": ("fireworks_ai/",), "deepinfra": ("deepinfra/",),
        "cerebras": ("cerebras/",), "xai": ("xai/",), "nebius": ("nebius/",), "novita": ("novita/",),
        "alibaba": ("dashscope/",), "zai": ("zai/",), "cloudflare-workers-ai": ("cloudflare/",),
        "aihubmix": ("aihubmix/",), "vercel-ai-gateway": ("vercel_ai_gateway/",), "cohere": ("", "cohere/"),
    }  # fmt: skip
    _OWNERS: Final = {
        "openai": ("openai",),
        "anthropic": ("anthropic",),
        "google-vertex": ("vertex_ai-language-models", "vertex_ai-embedding-models"),
        "google-ai-studio": ("gemini",),
        "groq": ("groq",),
        "together": ("together_ai",),
        "fireworks": ("fireworks_ai", "fireworks_ai-embedding-models"),
        "deepinfra": ("deepinfra",),
        "cerebras": ("cerebras",),
        "xai": ("xai",),
        "nebius": ("nebius",),
        "novita": ("novita",),
        "alibaba": ("dashscope",),
        "zai": ("zai",),
        "cloudflare-workers-ai": ("cloudflare",),
        "aihubmix": ("aihubmix",),
        "vercel-ai-gateway": ("vercel_ai_gateway",),
        "cohere": ("cohere_chat", "cohere"),
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

    def __init__(self, table: Mapping[str, Any], source: str, date: str) -> None:
        self._table = table
        self._stamp = {"source": source, "date": date}

    def chat_ids(self, provider: str) -> Iterator[str]:
        """Yield the provider's own ids of its chat models; none for a provider that is not in the table."""
        for key, entry in self._table.items():
            if entry.get("mode") not in ("chat", "responses") or entry.get("litellm_provider") not in self._owners(
                provider
            ):
                continue
            prefixes = [prefix for prefix in self.PREFIXES[provider] if key.startswith(prefix)]
            if not prefixes:
                continue
            native = key.removeprefix(max(prefixes, key=len))
            if provider == "fireworks" and not native.startswith("accounts/fireworks/models/"):
                continue
            if provider == "cloudflare-workers-ai" and not native.startswith("@cf/"):
                continue
            yield native

    def find(self, provider: str, native: str) -> Fact | None:
        """Return what is known of a provider's own id."""
        for prefix in self.PREFIXES.get(provider, ()):
            entry = self._table.get(prefix + native)
            if entry is not None and entry.get("litellm_provider") in self._owners(provider):
                return self._fact(entry)
        return None

    def _owners(self, provider: str) -> tuple[str, ...]:
        return self._OWNERS.get(provider, ())

    def _fact(self, entry: Mapping[str, Any]) -> Fact:
        flags = {name: bool(entry.get(flag)) for name, flag in self._FEATURES.items()}
        features = [name for name, present in flags.items() if present]
        if flags["tools"] or flags["json_schema"]:
            features.append("json_mode")
        return Fact(
            price=self._price(entry),
            context_length=_whole(entry.get("max_input_tokens")),
            max_output_tokens=_whole(entry.get("max_output_tokens")),
            features=tuple(sorted(features)),
            described=True,
            mode=entry.get("mode", "chat"),
        )

    def _price(self, entry: Mapping[str, Any]) -> Prices | None:
        rates = {name: decimal_text(entry.get(key), 1_000_000) for name, key in self._RATES.items()}
        tiers = list(self._tiers(entry))
        if steps := entry.get("tiered_pricing"):
            first, *later = sorted(steps, key=lambda step: step["range"][0])
            rates.update({name: decimal_text(first.get(self._RATES[name]), 1_000_000) for name in ("input", "output")})
            tiers = [tier for step in later if (tier := _step(step, int(step["range"][0])))]
        if entry.get("mode") == "embedding":
            rates["output"] = rates["output"] or "0"
        if rates["input"] is None or rates["output"] is None:
            return None
        if rates["reasoning"] == rates["output"]:
            rates["reasoning"] = None
        price: Prices = {name: rate for name, rate in rates.items() if rate is not None}
        if tiers:
            price["tiers"] = tiers
        return price | self._stamp

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


class GenaiPrices:
    """The table of genai-prices (MIT): OpenRouter, and what Hugging Face's router passes on to."""

    PROVIDERS: ClassVar[dict[str, str]] = {"openrouter": "openrouter", "fireworks": "fireworks", "huggingface": ""}
    _RATES: Final = {
        "input": "input_mtok",
        "output": "output_mtok",
        "cache_read": "cache_read_mtok",
        "cache_write_5m": "cache_write_mtok",
        "audio_input": "input_audio_mtok",
        "audio_output": "output_audio_mtok",
    }

    def __init__(self, source: str, date: str) -> None:
        # Unpacked just before by refresh_models.py, not a dependency.
        providers = importlib.import_module("genai_prices.data").providers
        self._providers: dict[str, Any] = {provider.id: provider for provider in providers}
        self._stamp = {"source": source, "date": date}
        self._today = date

    def ids(self, provider: str) -> list[str]:
        """Return the ids of a provider's models."""
        return sorted(
            model.id for model in self._providers[provider].models if "/" in model.id or provider != "openrouter"
        )

    def find(self, provider: str, native: str) -> Fact | None:
        """Return what is known of a provider's own id; `model:provider` at Hugging Face."""
        if provider not in self.PROVIDERS:
            return None
        name, table = native, self.PROVIDERS[provider]
        if provider == "huggingface":
            name, _, behind = native.rpartition(":")
            table = f"huggingface_{behind}"
        name = name.removeprefix("accounts/fireworks/models/")
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
