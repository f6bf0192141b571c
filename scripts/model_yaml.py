"""Catalog entries as YAML text: a block for each model, a line for each offer."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from model_prices import Fact

__all__ = ["Entry", "Offer", "render"]

_PLAIN_START: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
_SPECIAL: Final = set(":#{}[],&*!|>'\"%@`")


class Offer(msgspec.Struct, kw_only=True):
    """One line below `offers`."""

    id: str
    price: dict[str, Any] | None
    context_length: int | None = None


class Entry(msgspec.Struct, kw_only=True):
    """One model."""

    name: str | None
    context_length: int | None
    max_output_tokens: int | None
    features: tuple[str, ...]
    modality: str
    created: str | None
    default_output_tokens: int | None
    offers: dict[str, Offer]

    @classmethod
    def of(
        cls,
        model_id: str,
        offers: dict[str, Offer],
        described: Fact | None,
        facts: list[Fact],
        by_hand: Mapping[str, Any],
    ) -> "Entry":
        """Put together what the sources say, the described one first."""
        ordered = [described, *facts] if described else facts
        features = set(described.features if described else ()) | set(by_hand.get("features_add", ()))
        mode = described.mode if described else "chat"
        return cls(
            name=next((fact.name for fact in facts if fact.name), None),
            context_length=next((fact.context_length for fact in ordered if fact.context_length), None),
            max_output_tokens=next((fact.max_output_tokens for fact in ordered if fact.max_output_tokens), None),
            features=tuple(sorted(features)),
            modality=_modality(mode, features),
            created=by_hand.get("created"),
            default_output_tokens=by_hand.get("default_output_tokens"),
            offers=offers,
        )


def _modality(mode: str, features: set[str]) -> str:
    if mode == "embedding":
        return "text->embedding"
    inputs = ["text", *(kind for kind, needs in (("image", "vision"), ("audio", "audio_input")) if needs in features)]
    return f"{'+'.join(inputs)}->text"


def render(entries: Mapping[str, Entry], by_hand: Mapping[str, Any], sources: str) -> str:
    """Return the whole file."""
    lines = [
        "# Models by canonical id, with their offers.",
        "# Written by scripts/refresh_models.py: edit scripts/models_by_hand.yaml, not this file.",
        f"# Prices: US dollars per million tokens. Data: {sources} (both MIT); see docs/models.md.",
        "# yaml-language-server: $schema=../schemas/models.schema.json",
    ]
    blocks: dict[str, list[str]] = {model_id: _block(model_id, entry) for model_id, entry in entries.items()}
    free = by_hand["free_at_openrouter"]
    price = {"input": "0", "output": "0", "source": free["source"], "date": free["date"]}
    for model_id, facts in free["models"].items():
        offers = {"openrouter": {"id": model_id, "price": price}}
        blocks[model_id] = _verbatim(model_id, {**facts, "offers": offers})
    blocks.update({model_id: _verbatim(model_id, entry) for model_id, entry in by_hand["verbatim"].items()})
    for model_id in sorted(blocks):
        lines.extend(blocks[model_id])
    return "\n".join(lines) + "\n"


def _block(model_id: str, entry: Entry) -> list[str]:
    described = {
        "name": entry.name,
        "context_length": entry.context_length,
        "max_output_tokens": entry.max_output_tokens,
        "features": list(entry.features) or None,
        "modality": entry.modality if entry.modality != "text->text" else None,
        "created": entry.created,
        "default_output_tokens": entry.default_output_tokens,
    }
    offers: dict[str, Any] = {}
    for provider, offer in entry.offers.items():
        offers[provider] = {"id": offer.id, "price": offer.price}
        if offer.context_length and offer.context_length != entry.context_length:
            offers[provider]["context_length"] = offer.context_length
    return _verbatim(model_id, {**described, "offers": offers})


def _verbatim(model_id: str, entry: Mapping[str, Any]) -> list[str]:
    lines = [f"{_scalar(model_id)}:"]
    lines.extend(f"  {key}: {_flow(value)}" for key, value in entry.items() if key != "offers" and value is not None)
    lines.append("  offers:")
    lines.extend(f"    {provider}: {_flow(offer)}" for provider, offer in entry["offers"].items())
    return lines


def _flow(value: Any, key: str = "") -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name}: {_flow(each, name)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_flow(each) for each in value) + "]"
    if isinstance(value, str) and key not in ("id", "source", "date", "") and _is_number(value):
        return value
    return _scalar(value)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).isdigit()


def _scalar(value: Any) -> str:
    if not isinstance(value, str):
        return str(value)
    plain = value and value[0] in _PLAIN_START and not _SPECIAL & set(value) and value == value.strip()
    return value if plain else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
