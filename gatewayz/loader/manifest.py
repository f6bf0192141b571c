"""`plugin.yaml`: what a plugin says of itself, and which versions of our interface it takes."""

import re
from pathlib import Path
from typing import Any, Final

import msgspec

from gatewayz.config.decode import decode_struct
from gatewayz.config.interpolate import Interpolator
from gatewayz.config.problems import ConfigurationInvalid, Place, Problem
from gatewayz.config.tree import parse
from gatewayz.sdk.errors import ConfigurationError

__all__ = ["MANIFEST", "Manifest", "is_in_range", "read_manifest"]

MANIFEST: Final = "plugin.yaml"

_CLAUSE: Final = re.compile(r"(>=|<=|==|!=|>|<|~=)\s*(\d+(?:\.\d+)*)")


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin's description."""

    kind: str
    """provider, router, billing, payments, identity, hub, mail, tool, guardrail, health."""
    name: str
    summary: str
    api: str = ""
    """Range of GATEWAYZ_API versions: `>=1.0,<2`."""
    version: str = ""
    owner: str = ""
    docs: str = ""
    capabilities: tuple[str, ...] = ()
    quality: str = ""
    """Rung of the quality ladder: bronze, silver, gold, platinum."""


def read_manifest(folder: Path) -> Manifest | None:
    """Return the manifest in a plugin's folder, None when there is none. Raises ConfigurationInvalid."""
    file = folder / MANIFEST
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    problems: list[Problem] = []
    tree = parse(text, str(file), problems)
    value: Any = Interpolator({}).plain(tree)
    if not isinstance(value, dict):
        problems.append(Problem(message="a manifest is a mapping", place=Place(str(file), 1)))
    if problems:
        raise ConfigurationInvalid(problems)
    return decode_struct(value, Manifest, path=(), tree=tree)


def is_in_range(version: str, wanted: str) -> bool:
    """Return whether `1.2` satisfies a range such as `>=1.0,<2`; an empty range takes all.

    Raises ConfigurationError when the range cannot be read.
    """
    ours = _numbers(version)
    for clause in filter(None, (part.strip() for part in wanted.split(","))):
        found = _CLAUSE.fullmatch(clause)
        if found is None:
            raise ConfigurationError(f"not a version range: {wanted!r}; write it like '>=1.0,<2'")
        if not _holds(ours, found[1], _numbers(found[2])):
            return False
    return True


def _numbers(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".")]
    while len(numbers) > 1 and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _holds(ours: tuple[int, ...], operator: str, theirs: tuple[int, ...]) -> bool:
    match operator:
        case ">=":
            return ours >= theirs
        case "<=":
            return ours <= theirs
        case "==":
            return ours == theirs
        case "!=":
            return ours != theirs
        case ">":
            return ours > theirs
        case "<":
            return ours < theirs
    return ours >= theirs and ours[0] == theirs[0]
