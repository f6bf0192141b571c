"""`${VAR}`, `${VAR:-default}` and `${file:/run/secrets/x}` in scalar values; `$$` is a dollar sign.

A plain scalar's result is resolved again (`${PORT:-8000}` is a number) but only where its text
can be told back from the value, so that a secret of digits stays what it was; a quoted one stays text.
An empty result is empty text, never null: a key variable that is not set must not look absent.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from gatewayz.config.problems import KeyPath, Problem
from gatewayz.config.tree import Template, Tree

__all__ = ["Interpolator"]

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,17})?")
_WORDS: Final = {"true": True, "True": True, "false": False, "False": False, "null": None}
MAX_FILE_BYTES: Final = 1024 * 1024


class Interpolator:
    """Turns a tree into plain values, collecting what cannot be resolved."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[Problem] = []

    def plain(self, tree: Tree, path: KeyPath = ()) -> object:
        """Return dicts, lists and scalars, with every `${...}` replaced."""
        held = tree.value
        if isinstance(held, dict):
            return {key: self.plain(child, (*path, key)) for key, child in held.items()}
        if isinstance(held, list):
            return [self.plain(child, (*path, index)) for index, child in enumerate(held)]
        if isinstance(held, Template):
            return self._fill(held, tree, path)
        return held

    def _fill(self, template: Template, tree: Tree, path: KeyPath) -> object:
        try:
            text = self._expand(template.text)
        except ValueError as err:
            self.problems.append(Problem(message=str(err), path=path, place=tree.place))
            return None
        return _resolve(text) if template.plain and "${" in template.text else text

    def _expand(self, text: str) -> str:
        """Return the text with references replaced. Raises ValueError naming what is missing or malformed."""
        out: list[str] = []
        at = 0
        while (dollar := text.find("$", at)) >= 0:
            out.append(text[at:dollar])
            following = text[dollar + 1 : dollar + 2]
            if following == "{":
                end = _closing(text, dollar + 2)
                out.append(self._reference(text[dollar + 2 : end]))
                at = end + 1
            else:
                out.append("$")
                at = dollar + (2 if following == "$" else 1)
        out.append(text[at:])
        return "".join(out)

    def _reference(self, inner: str) -> str:
        name, has_default, default = inner.partition(":-")
        if name.startswith("file:"):
            return self._file(name[len("file:") :], default if has_default else None)
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a reference: ${{{inner}}}; write ${{NAME}}, ${{NAME:-default}} or ${{file:/path}}")
        found = self._environ.get(name)
        if has_default:
            return found or self._expand(default)
        if found is None:
            raise ValueError(f"the environment variable {name} is not set and ${{{name}}} has no default")
        return found

    def _file(self, name: str, default: str | None) -> str:
        try:
            raw = Path(self._expand(name)).read_bytes()
        except OSError as err:
            if default is not None:
                return self._expand(default)
            raise ValueError(f"cannot read {name}: {err.strerror or err}") from err
        if len(raw) > MAX_FILE_BYTES:
            raise ValueError(f"{name} is longer than {MAX_FILE_BYTES} bytes")
        try:
            return raw.decode().removesuffix("\n").removesuffix("\r")
        except UnicodeDecodeError as err:
            raise ValueError(f"{name} is not UTF-8 text") from err


def _resolve(text: str) -> str | int | float | bool | None:
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text) and text != "-0":
        return float(text) if "." in text else int(text)
    return text


def _closing(text: str, at: int) -> int:
    """Return where the brace opened before `at` is closed. Raises ValueError when it is not."""
    depth = 1
    for index in range(at, len(text)):
        if text[index] == "{":
            depth += 1
        elif text[index] == "}":
            depth -= 1
            if not depth:
                return index
    raise ValueError("'${' is not closed by '}'")
