"""`gatewayz scaffold`: a plugin's distribution to start from, with the contract suite in place."""

import keyword
import re
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Annotated, Final

import typer

from gatewayz.cli.printing import report_error
from gatewayz.sdk.hookspecs import GATEWAYZ_API

__all__ = ["KINDS", "app", "write_plugin"]

TEMPLATES: Final = Path(__file__).with_name("templates")
KINDS: Final = ("provider", "router", "billing", "health")
"""Each has a folder of templates; `common` is for all of them."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")

NameArgument = Annotated[str, typer.Argument(help="Lower case with underscores; what `use:` will say")]
IntoOption = Annotated[Path, typer.Option(help="Folder in which gatewayz-NAME is made")]

app = typer.Typer()
scaffold = typer.Typer(no_args_is_help=True, help="Write the folder of a new plugin.")
app.add_typer(scaffold, name="scaffold")


@scaffold.command("provider")
def provider(name: NameArgument, into: IntoOption = Path()) -> None:
    """Write a provider as a package of its own: settings, provider, manifest, entry point, tests."""
    _write("provider", name, into)


@scaffold.command("router")
def router(name: NameArgument, into: IntoOption = Path()) -> None:
    """Write a router as a package of its own: the cheapest offer first."""
    _write("router", name, into)


@scaffold.command("billing")
def billing(name: NameArgument, into: IntoOption = Path()) -> None:
    """Write a billing backend as a package of its own: prepaid accounts in memory."""
    _write("billing", name, into)


@scaffold.command("health")
def health(name: NameArgument, into: IntoOption = Path()) -> None:
    """Write a health check as a package of its own: does a URL answer?"""
    _write("health", name, into)


def _write(kind: str, name: str, into: Path) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        report_error(f"not a name for a plugin: {name!r} (lower case letters, digits, '_')")
        raise typer.Exit(2)
    folder = into / f"gatewayz-{name.replace('_', '-')}"
    if folder.exists():
        report_error(f"{folder} exists already")
        raise typer.Exit(1)
    for file in write_plugin(kind, name, folder):
        typer.echo(str(file))
    typer.echo(f"\nnext: cd {folder} && pip install -e '.[test]' && pytest", err=True)


def write_plugin(kind: str, name: str, folder: Path) -> list[Path]:
    """Write the files of a plugin of one of `KINDS` and return their paths. Raises OSError."""
    major = int(GATEWAYZ_API.partition(".")[0])
    words = {
        "kind": kind,
        "name": name,
        "dashed": name.replace("_", "-"),
        "upper": name.upper(),
        "title": "".join(part.capitalize() for part in name.split("_")),
        "api": GATEWAYZ_API,
        "next_api": str(major + 1),
    }
    written: list[Path] = []
    for relative, text in _templates(kind):
        target = folder / Path(*(f"gatewayz_{name}" if part == "package" else part for part in relative.parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(text).substitute(words), encoding="utf-8")
        written.append(target)
    return sorted(written)


def _templates(kind: str) -> Iterator[tuple[Path, str]]:
    """Yield each template's path in the distribution, and its text."""
    for source in (TEMPLATES / "common", TEMPLATES / kind):
        for template in source.rglob("*.tmpl"):
            yield template.relative_to(source).with_suffix(""), template.read_text(encoding="utf-8")
