"""Puts the commands together: only the one that is called is imported, all of them for the list of commands."""

import importlib
from collections.abc import Sequence
from typing import Final

import typer

from gatewayz.cli.printing import report_error
from gatewayz.sdk.errors import GatewayzError

__all__ = ["COMMANDS", "build", "run"]

COMMANDS: Final = {
    "serve": "gatewayz.cli.serve",
    "welcome": "gatewayz.cli.welcome",
    "check": "gatewayz.cli.check",
    "plan": "gatewayz.cli.plan",
    "routes": "gatewayz.cli.routes",
    "plugins": "gatewayz.cli.plugins",
    "schema": "gatewayz.cli.schema",
    "db": "gatewayz.cli.database",
    "users": "gatewayz.cli.accounts",
    "keys": "gatewayz.cli.accounts",
    "audit": "gatewayz.cli.audit",
    "scaffold": "gatewayz.cli.scaffold",
    "bench": "gatewayz.cli.bench",
    "doctor": "gatewayz.cli.doctor",
    "version": "gatewayz.cli.version",
}
"""Command to the module whose `app` (a Typer) holds it."""


_GROUPS: Final = ("gatewayz.cli.database",)
"""Modules whose `app` is the command's own group; others hold commands by their names."""


def build(names: Sequence[str] = tuple(COMMANDS)) -> typer.Typer:
    """Return the application with the named commands."""
    app = typer.Typer(
        name="gatewayz",
        help="One API key, every AI model, automatic reliability, one bill.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )

    @app.callback()
    def _root() -> None:
        """Keep commands as commands, even when there is only one."""

    for module, name in {COMMANDS[name]: name for name in names}.items():
        app.add_typer(importlib.import_module(module).app, name=name if module in _GROUPS else None)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run a command line. Returns the exit code."""
    command = next((word for word in arguments if not word.startswith("-")), "")
    names = [command] if command in COMMANDS else list(COMMANDS)
    try:
        build(names)(args=list(arguments), prog_name="gatewayz")
    except SystemExit as exit_:
        return exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except GatewayzError as err:
        report_error(str(err))
        return 1
    return 0
