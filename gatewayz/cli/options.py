"""Options that every command has, and reading the configuration they name."""

from pathlib import Path
from typing import Annotated

import typer

from gatewayz.cli.printing import print_problems
from gatewayz.config.env import environment
from gatewayz.config.load import Loaded, default_path, load
from gatewayz.config.problems import ConfigurationInvalid

__all__ = ["ConfigOption", "EnvOption", "JsonOption", "config_path", "load_or_exit"]

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file [default: ./gatewayz.yaml, else the one that is shipped]"),
]
EnvOption = Annotated[str | None, typer.Option("--env", help="Environment whose overlay is laid over the file")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print data as JSON")]


def config_path(config: Path | None) -> Path:
    """Return the configuration file that is meant."""
    return config if config is not None else default_path()


def load_or_exit(config: Path | None, env: str | None) -> Loaded:
    """Return the configuration, or print every error of it and exit with 1."""
    try:
        return load(config_path(config), overlay=env, environ=environment())
    except ConfigurationInvalid as err:
        print_problems(err.problems)
        raise typer.Exit(1) from err
