"""Every error of a value, by its JSON Schema, in words an operator can act on."""

from collections.abc import Iterator
from typing import Any, Final

from jsonschema import Draft202012Validator, ValidationError

from gatewayz.config.problems import KeyPath, Place, Problem, did_you_mean
from gatewayz.config.schema import Schema
from gatewayz.config.tree import Tree, locate

__all__ = ["explain"]

_WORDS: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}
_BOUNDS: Final = {
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be greater than {}",
    "maximum": "must be at most {}",
    "exclusiveMaximum": "must be less than {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "pattern": "must match the pattern {}",
}


def explain(value: Any, schema: Schema, path: KeyPath, tree: Tree) -> list[Problem]:
    """Return a problem for each error of `value`, which stands at `path`, in the order of the file."""
    validator = Draft202012Validator(schema)
    found: list[Problem] = []
    for error in validator.iter_errors(value):
        for leaf in _leaves(error):
            for at, message in _words(leaf):
                full = (*path, *at)
                problem = Problem(message=message, path=full, place=locate(tree, full))
                if problem not in found:
                    found.append(problem)
    return sorted(found, key=_order)


def _order(problem: Problem) -> tuple[str, int, str]:
    place = problem.place or Place("")
    return (place.file, place.line, problem.message)


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield the errors of the branch that was meant, for a value that may have several shapes."""
    if error.validator not in ("anyOf", "oneOf"):
        yield error
        return
    branches: dict[object, list[ValidationError]] = {}
    for inner in error.context or ():
        branches.setdefault(inner.schema_path[0], []).append(inner)
    meant = [held for held in branches.values() if not any(_is_other_shape(inner) for inner in held)]
    if len(meant) == 1:
        for inner in meant[0]:
            yield from _leaves(inner)
    else:
        yield error


def _is_other_shape(error: ValidationError) -> bool:
    return error.validator in ("type", "enum", "const") and not error.path


def _words(error: ValidationError) -> Iterator[tuple[KeyPath, str]]:
    path: KeyPath = tuple(error.absolute_path)
    name: str = str(error.validator)
    limit: Any = error.validator_value
    value: Any = error.instance
    if name == "additionalProperties" and isinstance(error.schema, dict):
        known = error.schema.get("properties", {})
        for key in value:
            if key not in known:
                yield (*path, key), f"unknown key{did_you_mean(key, known)}"
    elif name == "required":
        missing = [key for key in limit if key not in value]
        yield path, f"{', '.join(missing)} must be set"
    elif name == "dependentRequired":
        missing = sorted(
            {key for given, needed in limit.items() if given in value for key in needed if key not in value}
        )
        yield path, f"{', '.join(missing)} must be set"
    elif name == "type":
        expected = [limit] if isinstance(limit, str) else list(limit)
        words = " or ".join(_WORDS[word] for word in expected)
        yield path, f"expected {words}, found {_shown(value, error)}"
    elif name in ("enum", "const"):
        allowed = list(limit) if name == "enum" else [limit]
        texts = [str(option) for option in allowed]
        hint = did_you_mean(value, texts) if isinstance(value, str) else ""
        yield path, f"{_shown(value, error)} is not one of {', '.join(texts)}{hint}"
    elif name in ("anyOf", "oneOf"):
        yield path, f"{_shown(value, error)} is none of: {_shapes(limit)}"
    else:
        yield path, _BOUNDS.get(name, f"does not satisfy {name} {{}}").format(limit)


def _shapes(branches: list[Schema]) -> str:
    words: list[str] = []
    for branch in branches:
        kind = branch.get("type", "object")
        kinds = [kind] if isinstance(kind, str) else kind
        words += [str(option) for option in branch["enum"]] if "enum" in branch else [_WORDS[word] for word in kinds]
    return ", ".join(words)


def _shown(value: Any, error: ValidationError) -> str:
    """Return the value for a message; secrets and whole structures are only described."""
    if value is None:
        return "null"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(error.schema, dict) and error.schema.get("writeOnly"):
        return "something else"
    if isinstance(value, bool):
        return "true" if value else "false"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
