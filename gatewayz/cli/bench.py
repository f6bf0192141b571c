"""`gatewayz bench`: runs the benchmarks of a checkout."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from gatewayz.cli.printing import report_error

__all__ = ["app"]

app = typer.Typer()


@app.command("bench", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    folder: Annotated[Path, typer.Option(help="Folder of the benchmarks")] = Path("benchmarks"),
) -> None:
    """Run the benchmarks; other arguments are passed on to them. They are part of a checkout, not of an install."""
    if not (folder / "__main__.py").is_file():
        report_error(f"there are no benchmarks in {folder}; they come with a checkout of the project")
        raise typer.Exit(1)
    done = subprocess.run([sys.executable, str(folder), *context.args], check=False)  # noqa: S603  the operator's own
    raise typer.Exit(done.returncode)
