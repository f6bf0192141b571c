"""`gatewayz schema`: the published JSON Schemas of the configuration."""

import asyncio
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from gatewayz.app import openapi_document
from gatewayz.cli.printing import report_error
from gatewayz.config.schema import Implementations, Schema, entry_type, section_schema, settings_schema, type_schema
from gatewayz.config.settings import Settings
from gatewayz.loader.code import load_builtins

__all__ = ["app", "drifted", "published"]

MAIN: Final = "gatewayz"

app = typer.Typer()


@app.command("schema")
def schema(
    name: Annotated[
        str, typer.Argument(help="gatewayz, a top-level key such as models, or plugins/providers.openai_compatible")
    ] = MAIN,
    write: Annotated[bool, typer.Option("--write", help="Write every schema to the folder")] = False,
    folder: Annotated[Path, typer.Option("--folder", help="Where schemas are written to")] = Path("schemas"),
) -> None:
    """Print a schema, or write them all."""
    schemas = published(asyncio.run(load_builtins()).registry.settings_types())
    if write:
        for file, text in schemas.items():
            target = folder / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(text)
        typer.echo(f"{len(schemas)} schemas written to {folder}")
        return
    found = schemas.get(f"{name}.schema.json") or schemas.get(f"{name}.json")
    if found is None:
        known = ", ".join(file.removesuffix(".json").removesuffix(".schema") for file in schemas)
        report_error(f"there is no schema {name!r}; there are: {known}")
        raise typer.Exit(2)
    typer.echo(found, nl=False)


def published(plugins: Implementations) -> dict[str, bytes]:
    """Return every schema by file name: the whole file, each structured top-level key, each plugin's settings."""
    files = {f"{MAIN}.schema.json": _encode(settings_schema(plugins))}
    for section in Settings.__struct_fields__:
        made = section_schema(section, plugins)
        if made.get("type") == "object" or "$ref" in made:
            files[f"{section}.schema.json"] = _encode(made)
    for section, known in plugins.items():
        if entry_type(section)[0] is None:
            continue
        for name, settings in known.items():
            files[f"plugins/{section}.{name}.json"] = _encode(type_schema(settings, title=f"{section}.{name}"))
    files["openapi.json"] = openapi_document()
    return dict(sorted(files.items()))


def drifted(schemas: dict[str, bytes], folder: Path) -> list[str]:
    """Return the names of files that are missing, different, or no longer made."""
    there = {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.json")}
    ours = {name for name in there if name in schemas or name.endswith(".schema.json") or name.startswith("plugins/")}
    return sorted(name for name in ours | schemas.keys() if there.get(name) != schemas.get(name))


def _encode(schema: Schema) -> bytes:
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2) + b"\n"
