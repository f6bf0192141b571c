"""Markdown files cut into passages, one for each heading."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

__all__ = ["Passage", "read_passages"]

_HEADING: Final = re.compile(r"^(#{1,3}) (.+)$")
_FENCE: Final = "```"
_MARKS: Final = re.compile(r"[*`|]+|^[ >#-]+|\]\([^)]*\)|\[", re.MULTILINE)
_ANCHOR: Final = re.compile(r"[^\w\- ]")


class Passage(msgspec.Struct, frozen=True, kw_only=True):
    """What stands under one heading."""

    title: str
    """Of the page, and of the passage where that is another one."""
    url: str
    """Path of the file with the heading's anchor."""
    text: str
    """Without marks of Markdown."""


def read_passages(folder: Path) -> tuple[Passage, ...]:
    """Return the passages of every page of a folder, in order of their paths."""
    files = sorted(folder.rglob("*.md"))
    return tuple(passage for file in files for passage in _cut(file.read_text("utf-8"), file.relative_to(folder)))


def _cut(page: str, path: Path) -> Iterator[Passage]:
    name = heading = path.stem.replace("-", " ")
    lines: list[str] = []
    is_code = False
    for line in page.splitlines():
        is_code ^= line.lstrip().startswith(_FENCE)
        found = None if is_code else _HEADING.match(line)
        if found is None:
            lines.append(line)
            continue
        yield from _passage(name, heading, path, lines)
        heading, lines = found[2].replace("`", "").strip(), []
        if len(found[1]) == 1:
            name = heading
    yield from _passage(name, heading, path, lines)


def _passage(name: str, heading: str, path: Path, lines: list[str]) -> Iterator[Passage]:
    text = " ".join(_MARKS.sub(" ", "\n".join(lines).replace(_FENCE, " ")).split())
    if text:
        title = name if heading == name else f"{name}: {heading}"
        anchor = _ANCHOR.sub("", heading.lower()).replace(" ", "-")
        yield Passage(title=title, url=f"docs/{path.as_posix()}#{anchor}", text=text)
