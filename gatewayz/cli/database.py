"""`gatewayz db`: the schema."""

import asyncio

import typer

from gatewayz.cli.opened import read_settings, reported
from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption
from gatewayz.cli.printing import print_json
from gatewayz.store.sql import schema

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
