"""`gatewayz plan`: what taking over the configuration would change."""

from pathlib import Path
from typing import Annotated

import typer

from gatewayz.cli.options import ConfigOption, EnvOption, JsonOption, load_or_exit
from gatewayz.cli.printing import print_json
from gatewayz.config.plan import changes, read_applied, snapshot

__all__ = ["app"]

app = typer.Typer()


@app.command("plan")
def plan(
    config: ConfigOption = None,
    env: EnvOption = None,
    against: Annotated[
        Path | None, typer.Option(help="Compare with this file instead of with what was last served")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what the configuration would change: + added, - removed, ~ changed. Secrets are never shown."""
    loaded = load_or_exit(config, env)
    if against is not None:
        before = snapshot(load_or_exit(against, env))
    else:
        applied = read_applied(Path(loaded.settings.data_dir))
        if applied is None:
            typer.echo("nothing was served from this data_dir yet; compare files with --against", err=True)
            raise typer.Exit(1)
        before = applied
    found = changes(before, snapshot(loaded, before.salt))
    if as_json:
        print_json({"changes": found})
    elif not found:
        typer.echo("no changes")
    for change in () if as_json else found:
        typer.echo(str(change))
