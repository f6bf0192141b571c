"""`gatewayz version`."""

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Final

import typer

from gatewayz import __version__
from gatewayz.cli.options import JsonOption
from gatewayz.cli.printing import print_json
from gatewayz.sdk.hookspecs import GATEWAYZ_API

__all__ = ["app"]

PACKAGES: Final = ("quart", "hypercorn", "httpx", "uvloop", "msgspec", "sqlalchemy")

app = typer.Typer()


@app.command("version")
def print_version(as_json: JsonOption = False) -> None:
    """Print the version; with --json also those of what it runs on."""
    if not as_json:
        typer.echo(__version__)
        return
    installed: dict[str, str | None] = {}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = None
    print_json(
        {
            "gatewayz": __version__,
            "plugin_api": GATEWAYZ_API,
            "python": platform.python_version(),
            "packages": installed,
        }
    )
