"""JSON Schema as Gemini takes it in `parametersJsonSchema` and `responseJsonSchema`.

Source: Google, Gemini API reference "GenerationConfig.responseJsonSchema", list of supported keywords
(2026-11); docs/decisions/0027-json-schema-for-gemini.md.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

__all__ = ["clean_schema"]

_KEPT: Final = frozenset(
    {
        "$id", "$ref", "$anchor", "type", "format", "title", "description", "enum", "minItems", "maxItems",
        "minimum", "maximum", "required", "propertyOrdering",
    }
)  # fmt: skip
_SCHEMA: Final = frozenset({"items", "additionalProperties"})
_SCHEMA_LIST: Final = frozenset({"anyOf", "prefixItems"})
_SCHEMA_MAP: Final = frozenset({"properties", "$defs"})
_ANNOTATIONS: Final = frozenset(
    {"$schema", "$comment", "default", "example", "examples", "deprecated", "readOnly", "writeOnly", "strict"}
)
"""Keywords that constrain nothing: left out without a word."""
_OLD_NAMES: Final[Mapping[str, str]] = {"definitions": "$defs", "oneOf": "anyOf"}
"""Gemini reads `oneOf` as `anyOf` anyway."""

Lose = Callable[[str], None]


def clean_schema(schema: Any, lose: Lose) -> Any:
    """Return the schema without what Gemini refuses; `lose` hears each constraint that is left out.

    `const` becomes `enum`, `nullable` the type null, `allOf` is merged into its parent.
    """
    if not isinstance(schema, Mapping):
        return schema
    schema = _merge_all_of(schema, lose)
    if "$ref" in schema:
        return _clean_reference(schema, lose)
    cleaned: dict[str, Any] = {}
    for written, value in schema.items():
        name = _OLD_NAMES.get(written, written)
        if name in _KEPT:
            cleaned[name] = value
        elif name in _SCHEMA:
            cleaned[name] = clean_schema(value, lose)
        elif name in _SCHEMA_LIST and isinstance(value, list):
            cleaned[name] = [*cleaned.get(name, ()), *(clean_schema(item, lose) for item in value)]
        elif name in _SCHEMA_MAP and isinstance(value, Mapping):
            cleaned.setdefault(name, {}).update({key: clean_schema(item, lose) for key, item in value.items()})
        elif name == "const":
            cleaned["enum"] = [value]
        elif name == "nullable":
            continue
        elif name not in _ANNOTATIONS:
            lose(name)
    if schema.get("nullable") is True and isinstance(cleaned.get("type"), str):
        cleaned["type"] = [cleaned["type"], "null"]
    return cleaned


def _clean_reference(schema: Mapping[str, Any], lose: Lose) -> dict[str, Any]:
    """Beside `$ref` Gemini allows only keywords that start with `$`."""
    reference = schema["$ref"]
    if isinstance(reference, str):
        reference = reference.replace("#/definitions/", "#/$defs/")
    cleaned: dict[str, Any] = {"$ref": reference}
    for name in ("$defs", "definitions"):
        if isinstance(schema.get(name), Mapping):
            cleaned["$defs"] = {key: clean_schema(item, lose) for key, item in schema[name].items()}
    return cleaned


def _merge_all_of(schema: Mapping[str, Any], lose: Lose) -> Mapping[str, Any]:
    branches = schema.get("allOf")
    if not isinstance(branches, list):
        return schema
    merged = {name: value for name, value in schema.items() if name != "allOf"}
    for branch in branches:
        if not isinstance(branch, Mapping):
            continue
        if "$ref" in branch:
            if len(branches) == 1 and not merged.keys() - _ANNOTATIONS - {"title", "description"}:
                return branch
            lose("allOf")
            continue
        for name, value in _merge_all_of(branch, lose).items():
            mine = merged.get(name)
            if name == "properties" and isinstance(mine, Mapping) and isinstance(value, Mapping):
                merged[name] = {**mine, **value}
            elif name == "required" and isinstance(mine, list) and isinstance(value, list):
                merged[name] = list(dict.fromkeys([*mine, *value]))
            elif mine is None:
                merged[name] = value
            elif mine != value:
                lose(f"allOf.{name}")
    return merged
