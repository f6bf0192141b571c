"""JSON Schema of the settings, made from the types themselves.

Written by hand rather than with `msgspec.json.schema` because of secrets, of field docstrings as
descriptions (what an editor shows), and of plugin entries, whose keys depend on `use`.
"""

import ast
import inspect
import textwrap
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final, get_args, get_origin, get_type_hints

import msgspec
from msgspec import inspect as mi

from gatewayz.config.sections.plugins import NOTHING, PluginEntry
from gatewayz.config.settings import Settings
from gatewayz.sdk.secret import Secret

__all__ = ["DIALECT", "Implementations", "Schema", "entry_type", "section_schema", "settings_schema", "type_schema"]

Implementations = Mapping[str, Mapping[str, type[msgspec.Struct]]]
"""Section (`providers`) to plugin name to its settings type."""

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS: Final = {
    "gt": "exclusiveMinimum",
    "ge": "minimum",
    "lt": "exclusiveMaximum",
    "le": "maximum",
    "multiple_of": "multipleOf",
    "min_length": "minLength",
    "max_length": "maxLength",
    "pattern": "pattern",
}
_SIMPLE: Final[dict[type, str]] = {
    mi.BoolType: "boolean",
    mi.NoneType: "null",
    mi.IntType: "integer",
    mi.FloatType: "number",
    mi.StrType: "string",
}
_NO_PLUGIN: Final = {"hub": (NOTHING,), "mail": (NOTHING,), "payments": (NOTHING,)}
"""Sections that can do without a plugin, and the word for that."""
_ARRAYS: Final = (mi.ListType, mi.VarTupleType, mi.SetType, mi.FrozenSetType, mi.CollectionType)


class _Definitions(dict[str, Schema]):
    """What `$defs` holds. Types of one name in different modules are told apart by their modules."""

    def __init__(self) -> None:
        super().__init__()
        self._types: dict[str, type] = {}

    def name_of(self, struct: type) -> tuple[str, bool]:
        """Return the name of a type, and whether it was given now."""
        name = struct.__name__
        if self._types.get(name, struct) is not struct:
            name = f"{struct.__module__}.{name}"
        is_new = name not in self._types
        self._types[name] = struct
        return name, is_new


def type_schema(settings_type: type[msgspec.Struct], title: str | None = None) -> Schema:
    """Return the schema of one settings type, complete in itself."""
    defs = _Definitions()
    schema = {"$schema": DIALECT, "title": title or settings_type.__name__, **_struct(settings_type, defs)}
    return _with_defs(schema, defs)


def section_schema(section: str, plugins: Implementations | None = None) -> Schema:
    """Return the schema of one top-level key, which is also that of the file `config/<section>.yaml`."""
    defs = _Definitions()
    field = _fields(Settings)[section]
    made = _section(section, field.type, defs, plugins or {})
    schema: Schema = {"$schema": DIALECT, "title": f"config/{section}.yaml", **made}
    return _with_defs(schema, defs)


def settings_schema(plugins: Implementations | None = None) -> Schema:
    """Return the schema of the whole configuration file."""
    defs = _Definitions()
    described = _descriptions(Settings)
    properties = {
        name: _described(_section(name, field.type, defs, plugins or {}), described.get(name))
        for name, field in _fields(Settings).items()
    }
    schema = {
        "$schema": DIALECT,
        "title": "gatewayz.yaml",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }
    return _with_defs(schema, defs)


def entry_type(section: str) -> tuple[type[PluginEntry] | None, bool]:
    """Return the entry type of a section that configures plugins (else None), and whether it holds many by name."""
    hint = get_type_hints(Settings)[section]
    arguments = get_args(hint)
    many = get_origin(hint) is dict
    candidate: object = arguments[1] if many else hint
    if isinstance(candidate, type) and issubclass(candidate, PluginEntry):
        return candidate, many
    return None, False


def _fields(struct: type[msgspec.Struct]) -> dict[str, mi.Field]:
    info = mi.type_info(struct)
    assert isinstance(info, mi.StructType)  # noqa: S101  the argument's type says so
    return {field.encode_name: field for field in info.fields}


def _section(section: str, of_type: mi.Type, defs: _Definitions, plugins: Implementations) -> Schema:
    entry, many = entry_type(section)
    if entry is None:
        return _schema(of_type, defs)
    made = _entry(section, entry, defs, plugins.get(section, {}))
    return {"type": "object", "additionalProperties": made} if many else made


def _entry(
    section: str, entry: type[PluginEntry], defs: _Definitions, known: Mapping[str, type[msgspec.Struct]]
) -> Schema:
    """Return the schema of a plugin entry: its own keys, and those of the plugin that `use` names."""
    own = _struct(entry, defs)
    properties = {name: held for name, held in own["properties"].items() if name != "settings"}
    schema: Schema = {"type": "object", "properties": properties, "required": ["use"]}
    if not known:
        return schema
    schema["properties"] = {
        **properties,
        "use": {**properties["use"], "enum": sorted({*known, *_NO_PLUGIN.get(section, ())})},
    }
    schema["allOf"] = []
    for name in sorted(known):
        ref = f"{section}.{name}"
        theirs = _struct(known[name], defs)
        defs[ref] = {
            **theirs,
            "properties": {**dict.fromkeys(properties, True), **theirs["properties"]},
            "additionalProperties": False,
        }
        schema["allOf"].append({"if": {"properties": {"use": {"const": name}}}, "then": {"$ref": f"#/$defs/{ref}"}})
    return schema


def _struct(struct: type[msgspec.Struct], defs: _Definitions) -> Schema:
    described = _descriptions(struct)
    fields = _fields(struct)
    properties = {
        name: _described(_with_default(_schema(field.type, defs), field), described.get(field.name))
        for name, field in fields.items()
    }
    schema: Schema = {"type": "object", "properties": properties}
    if required := [name for name, field in fields.items() if field.required]:
        schema["required"] = required
    if struct.__struct_config__.forbid_unknown_fields:
        schema["additionalProperties"] = False
    if together := getattr(struct, "DEPENDENT_REQUIRED", None):
        schema["dependentRequired"] = {name: list(needed) for name, needed in together.items()}
    return _described(schema, inspect.getdoc(struct))


def _schema(of_type: mi.Type, defs: _Definitions) -> Schema:
    if isinstance(of_type, mi.Metadata):
        return {**_schema(of_type.type, defs), **(of_type.extra_json_schema or {})}
    if isinstance(of_type, mi.StructType):
        name, is_new = defs.name_of(of_type.cls)
        if is_new:  # a type may contain itself: named before it is described
            defs[name] = _struct(of_type.cls, defs)
        return {"$ref": f"#/$defs/{name}"}
    if isinstance(of_type, mi.UnionType):
        return _union([_schema(member, defs) for member in of_type.types])
    if isinstance(of_type, mi.LiteralType):
        return {"enum": sorted(of_type.values, key=str)}
    if isinstance(of_type, mi.CustomType) and of_type.cls is Secret:
        return {"type": ["string", "integer"], "writeOnly": True}
    return _container(of_type, defs)


def _container(of_type: mi.Type, defs: _Definitions) -> Schema:
    if isinstance(of_type, mi.DictType):
        return {"type": "object", "additionalProperties": _schema(of_type.value_type, defs)}
    if isinstance(of_type, _ARRAYS):
        return {"type": "array", "items": _schema(of_type.item_type, defs)}
    if isinstance(of_type, mi.TupleType):
        items = [_schema(item, defs) for item in of_type.item_types]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if (word := _SIMPLE.get(type(of_type))) is None:
        return {}
    bounds = {key: value for name, key in _BOUNDS.items() if (value := getattr(of_type, name, None)) is not None}
    return {"type": word, **bounds}


def _union(members: list[Schema]) -> Schema:
    words = [member["type"] for member in members if member.keys() == {"type"} and isinstance(member["type"], str)]
    if len(words) == len(members):
        return {"type": words}
    return {"anyOf": members}


def _with_default(schema: Schema, field: mi.Field) -> Schema:
    """Add a default that is a plain value; structures of defaults speak for themselves."""
    if isinstance(field.default, bool | int | float | str):
        return {**schema, "default": field.default}
    return schema


def _described(schema: Schema, text: str | None) -> Schema:
    return {**schema, "description": " ".join(text.split())} if text else schema


def _with_defs(schema: Schema, defs: _Definitions) -> Schema:
    return {**schema, "$defs": dict(sorted(defs.items()))} if defs else schema


def _descriptions(struct: type) -> dict[str, str]:
    """Return the docstrings written below the fields of a class and its bases; none where there is no source."""
    found: dict[str, str] = {}
    for cls in reversed(struct.__mro__):
        if cls.__module__ == "builtins" or not issubclass(cls, msgspec.Struct) or cls is msgspec.Struct:
            continue
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
        except (OSError, SyntaxError, TypeError):  # TypeError: a class of no module that can be found
            continue
        definition = tree.body[0]
        body = definition.body if isinstance(definition, ast.ClassDef) else []
        for line, below in pairwise(body):
            if (
                isinstance(line, ast.AnnAssign)
                and isinstance(line.target, ast.Name)
                and isinstance(below, ast.Expr)
                and isinstance(below.value, ast.Constant)
                and isinstance(below.value.value, str)
            ):
                found[line.target.id] = below.value.value
    return found
