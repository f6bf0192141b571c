"""`gatewayz db`: the schema."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gatewayz.cli.opened import read_settings, reported
from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption
from gatewayz.cli.printing import print_json, report_error
from gatewayz.store.sql import schema
from gatewayz.store.sql.backup import copy_database

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="The database's schema.")


@app.command()
def upgrade(config: ConfigOption = None, env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Bring the database to this release's schema; safe to run by several at once."""
    url = reported(lambda: read_settings(config, env)).store.url
    before = reported(lambda: schema.upgrade_sync(url))
    if as_json:
        print_json({"before": before, "now": schema.HEAD})
    elif before == schema.HEAD:
        print(f"The schema is {schema.HEAD} already.")
    else:
        print(f"The schema is {schema.HEAD} now; it was {before or 'empty'}.")


@app.command()
def status(config: ConfigOption = None, env: EnvOption = None, as_json: JsonOption = False) -> None:
    """Show the schema's version; exit code 1 when it is not this release's."""
    url = reported(lambda: read_settings(config, env)).store.url
    found = reported(lambda: asyncio.run(schema.current(url)))
    if as_json:
        print_json({"now": found, "release": schema.HEAD})
    else:
        print(f"The database has schema {found or 'none'}; this release has {schema.HEAD}.")
    if found != schema.HEAD:
        raise typer.Exit(1)


@app.command()
def downgrade(
    revision: Annotated[str, typer.Argument(help="A revision such as 0012, or `base` for an empty database.")],
    yes: Annotated[bool, typer.Option("--yes", help="What newer revisions keep is lost; say that it may be.")] = False,
    config: ConfigOption = None,
    env: EnvOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the schema back to an older release's, whose gateway is started next. Loses what newer tables keep."""
    if not yes:
        report_error("a downgrade loses what newer revisions keep: make a backup, then say --yes")
        raise typer.Exit(2)
    url = reported(lambda: read_settings(config, env)).store.url
    before = reported(lambda: asyncio.run(schema.downgrade(url, revision)))
    now = reported(lambda: asyncio.run(schema.current(url)))
    if as_json:
        print_json({"before": before, "now": now})
    else:
        print(f"The schema is {now or 'empty'} now; it was {before or 'empty'}.")


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where the copy goes; must not exist.")],
    config: ConfigOption = None,
    env: EnvOption = None,
) -> None:
    """Copy a SQLite database, whole and of one moment, while gateways run on it. PostgreSQL has pg_dump."""
    url = reported(lambda: read_settings(config, env)).store.url
    size = reported(lambda: copy_database(url, file))
    print(f"{file}: {size} bytes")
