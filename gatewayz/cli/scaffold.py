"""`gatewayz scaffold`: a plugin's distribution to start from, with the contract suite in place."""

import keyword
import re
from pathlib import Path
from string import Template
from typing import Annotated, Final

import typer

from gatewayz.cli.printing import report_error
from gatewayz.sdk.hookspecs import GATEWAYZ_API

__all__ = ["app", "write_provider"]

TEMPLATES: Final = Path(__file__).with_name("templates")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{1,40}")

app = typer.Typer()
scaffold = typer.Typer(no_args_is_help=True, help="Write the folder of a new plugin.")
app.add_typer(scaffold, name="scaffold")


@scaffold.callback()
def _kinds() -> None:
    """Write the folder of a new plugin."""


@scaffold.command("provider")
def provider(
    name: Annotated[str, typer.Argument(help="Lower case with underscores; what `use:` will say")],
    into: Annotated[Path, typer.Option(help="Folder in which gatewayz-NAME is made")] = Path(),
) -> None:
    """Write a provider as a package of its own: settings, provider, manifest, entry point, tests."""
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        report_error(f"not a name for a plugin: {name!r} (lower case letters, digits, '_')")
        raise typer.Exit(2)
    folder = into / f"gatewayz-{name.replace('_', '-')}"
    if folder.exists():
        report_error(f"{folder} exists already")
        raise typer.Exit(1)
    for file in write_provider(name, folder):
        typer.echo(str(file))
    typer.echo(f"\nnext: cd {folder} && pip install -e '.[test]' && pytest", err=True)


def write_provider(name: str, folder: Path) -> list[Path]:
    """Write the files and return their paths. Raises OSError."""
    major = int(GATEWAYZ_API.partition(".")[0])
    words = {
        "name": name,
        "dashed": name.replace("_", "-"),
        "upper": name.upper(),
        "title": "".join(part.capitalize() for part in name.split("_")),
        "api": GATEWAYZ_API,
        "next_api": str(major + 1),
    }
    source = TEMPLATES / "provider"
    written: list[Path] = []
    for template in sorted(source.rglob("*.tmpl")):
        relative = template.relative_to(source).with_suffix("")
        target = folder / Path(*(f"gatewayz_{name}" if part == "package" else part for part in relative.parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
        written.append(target)
    return written
