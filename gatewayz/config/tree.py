"""YAML as a tree that remembers where each value is written.

Scalars follow YAML 1.2: `yes`, `no`, dates and `1:30` are text; `true`, `null` and decimal numbers
are not. Keys are always text.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # its stub leaves the C parser out

from gatewayz.config.problems import KeyPath, Place, Problem

__all__ = ["Template", "Tree", "locate", "parse", "scalar_from_text"]

MAX_NODES: Final = 2_000_000
"""Bound on what anchors may multiply to."""
MAX_DEPTH: Final = 100

_PLAIN: Final = "plain"
_QUOTED: Final = "quoted"
_MERGE_KEY: Final = "<<"
_INT: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,30})")
_FLOAT: Final = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]{1,3})?")
_WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys(("null", "Null", "NULL", "~", ""), None),
}


class Template(msgspec.Struct, frozen=True):
    """Text with `${...}` in it; `plain` means that the result's type is resolved again."""

    text: str
    plain: bool


class Tree(msgspec.Struct, frozen=True):
    """A value and its place. An entry of a mapping is placed at its key."""

    file: str
    line: int
    value: "dict[str, Tree] | list[Tree] | Template | str | int | float | bool | None"

    @property
    def place(self) -> Place:
        """File and line."""
        return Place(self.file, self.line)


class _Parser(CParser):
    """The C parser, told to say only whether a scalar is plain."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)

    def resolve(self, kind: type, value: str, implicit: Any) -> str:
        if kind is yaml.ScalarNode:
            return _PLAIN if implicit[0] else _QUOTED
        return ""

    def descend_resolver(self, parent: object, index: object) -> None:
        """Nothing: tags do not depend on the path."""

    def ascend_resolver(self) -> None:
        """Nothing, likewise."""


def parse(text: str, file: str, problems: list[Problem]) -> Tree:
    """Return the tree of one YAML document; adds to `problems` what is wrong with its syntax."""
    empty = Tree(file, 1, {})
    try:
        node = _Parser(text).get_single_node()
    except yaml.MarkedYAMLError as err:
        mark = err.problem_mark or err.context_mark
        said = ", ".join(part for part in (err.context, err.problem) if part)
        problems.append(Problem(message=f"not YAML: {said}", place=Place(file, mark.line + 1 if mark else 0)))
        return empty
    except yaml.reader.ReaderError as err:
        line = text.count("\n", 0, err.position) + 1
        problems.append(Problem(message=f"not YAML: {err.reason}", place=Place(file, line)))
        return empty
    return empty if node is None else _Reader(file, problems).read(node)


def scalar_from_text(text: str) -> str | int | float | bool | None:
    """Return the value of a plain YAML 1.2 scalar."""
    if text in _WORDS:
        return _WORDS[text]
    first = text[0]
    if not (first.isdigit() or first in "+-."):
        return text
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def locate(tree: Tree, path: KeyPath) -> Place:
    """Return the place of a key path, or of its closest parent that is written down."""
    for key in path:
        held = tree.value
        if isinstance(held, dict):
            below = held.get(str(key))
        else:
            below = held[key] if isinstance(held, list) and isinstance(key, int) and key < len(held) else None
        if below is None:
            break
        tree = below
    return tree.place


class _Reader:
    """Turns nodes into a tree; an aliased node is read again at each place, within the bound on nodes."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file = file
        self._problems = problems
        self._depth = 0
        self._count = 0

    def read(self, node: yaml.Node, line: int | None = None) -> Tree:
        at = node.start_mark.line + 1 if line is None else line
        self._count += 1
        if self._depth > MAX_DEPTH or self._count > MAX_NODES:
            return self._refuse(at, "nested too deeply, or too large with its anchors expanded")
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, at)
        if node.tag:
            return self._refuse(at, f"tags are not supported: {node.tag}")
        self._depth += 1
        try:
            if isinstance(node, yaml.MappingNode):
                return Tree(self._file, at, self._mapping(node))
            return Tree(self._file, at, [self.read(item) for item in node.value])
        finally:
            self._depth -= 1

    def _refuse(self, line: int, message: str) -> Tree:
        problem = Problem(message=message, place=Place(self._file, line))
        if problem not in self._problems:
            self._problems.append(problem)
        return Tree(self._file, line, None)

    def _scalar(self, node: yaml.ScalarNode, line: int) -> Tree:
        text: str = node.value
        if node.tag not in (_PLAIN, _QUOTED, "tag:yaml.org,2002:str"):
            return self._refuse(line, f"tags are not supported: {node.tag}")
        plain = node.tag == _PLAIN
        if "$" in text:
            return Tree(self._file, line, Template(text, plain))
        return Tree(self._file, line, scalar_from_text(text) if plain else text)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Tree]:
        entries: dict[str, Tree] = {}
        inherited: list[yaml.Node] = []
        for key, value in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(line, "a key must be text")
            elif key.tag == _PLAIN and key.value == _MERGE_KEY:
                inherited.append(value)
            elif key.value in entries:
                first = entries[key.value].line
                self._refuse(line, f"duplicate key {key.value!r}, first written on line {first}")
            else:
                entries[key.value] = self.read(value, line)
        for name, tree in self._inherited(inherited):
            entries.setdefault(name, tree)
        return entries

    def _inherited(self, nodes: list[yaml.Node]) -> Iterator[tuple[str, Tree]]:
        for node in nodes:
            for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
                held = self.read(source).value
                if isinstance(held, dict):
                    yield from held.items()
                else:
                    self._refuse(source.start_mark.line + 1, "'<<' takes a mapping or a list of mappings")
