"""Plain values to typed ones: strict, and with every error named by file, line and key path."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from gatewayz.config.problems import ConfigurationInvalid, KeyPath, Problem, did_you_mean
from gatewayz.config.schema import Schema, entry_type, section_schema, type_schema
from gatewayz.config.settings import Settings
from gatewayz.config.tree import Tree, locate
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.secret import Secret

__all__ = ["decode_settings", "decode_struct"]

S = TypeVar("S", bound=msgspec.Struct)


def decode_settings(plain: Mapping[str, Any], tree: Tree) -> Settings:
    """Return the settings. Raises ConfigurationInvalid with every error."""
    folded = {key: _fold(key, value) for key, value in plain.items()}
    try:
        return msgspec.convert(folded, Settings, dec_hook=_decode_custom)
    except msgspec.ValidationError as err:
        found = list(_explain_settings(plain, folded, tree))
        raise ConfigurationInvalid(found or [Problem(message=str(err))]) from err


def decode_struct(value: Mapping[str, Any], of_type: type[S], *, path: KeyPath, tree: Tree) -> S:
    """Return a plugin's settings; unknown keys are errors whatever the type says of them.

    Raises ConfigurationInvalid with every error.
    """
    known = of_type.__struct_encode_fields__
    unknown = [key for key in value if key not in known]
    try:
        if not unknown:
            return msgspec.convert(value, of_type, dec_hook=_decode_custom)
        failed = f"unknown keys: {', '.join(unknown)}"
    except msgspec.ValidationError as err:
        failed = str(err)
    except ConfigurationError as err:  # from a type that checks itself
        raise ConfigurationInvalid([Problem(message=err.message, path=path, place=locate(tree, path))]) from err
    schema = {**type_schema(of_type), "additionalProperties": False}
    raise ConfigurationInvalid(_explain(value, schema, path, tree, failed))


def _decode_custom(of_type: type, value: object) -> object:
    if of_type is Secret:
        if isinstance(value, str):
            return Secret(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return Secret(str(value))
        raise TypeError("a secret must be text; put it in quotes")
    raise TypeError(f"no way to read a {of_type.__name__} from a configuration")


def _fold(section: str, value: Any) -> Any:
    """Put the plugin's own keys of each entry under `settings`, as the types have them."""
    entry, many = entry_type(section) if section in Settings.__struct_fields__ else (None, False)
    if entry is None or not isinstance(value, dict):
        return value
    core = frozenset(entry.__struct_fields__) - {"settings"}
    if not many:
        return _fold_entry(value, core)
    return {name: _fold_entry(held, core) for name, held in value.items()}


def _fold_entry(value: Any, core: frozenset[str]) -> Any:
    if not isinstance(value, dict):
        return value
    folded: dict[str, Any] = {key: held for key, held in value.items() if key in core}
    folded["settings"] = {key: held for key, held in value.items() if key not in core}
    return folded


def _explain_settings(plain: Mapping[str, Any], folded: Mapping[str, Any], tree: Tree) -> list[Problem]:
    found: list[Problem] = []
    for section, value in plain.items():
        if section not in Settings.__struct_fields__:
            message = f"unknown key{did_you_mean(section, Settings.__struct_fields__)}"
            found.append(Problem(message=message, path=(section,), place=locate(tree, (section,))))
            continue
        try:
            msgspec.convert({section: folded[section]}, Settings, dec_hook=_decode_custom)
        except msgspec.ValidationError as err:
            found += _explain(value, section_schema(section), (section,), tree, str(err))
    return found


def _explain(value: Any, schema: Schema, path: KeyPath, tree: Tree, failed: str) -> list[Problem]:
    """Return every error that the schema finds; `failed` alone when it finds none."""
    from gatewayz.config.explain import explain  # noqa: PLC0415  jsonschema takes 60 ms, wanted only after a failure

    return explain(value, schema, path, tree) or [Problem(message=failed, path=path, place=locate(tree, path))]
