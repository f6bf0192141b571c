"""How commands print: data on standard output, everything else on standard error."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import typer

from gatewayz.config.problems import Problem, key_text

__all__ = ["print_json", "print_problems", "print_table", "problem_as_data", "report_error"]


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    typer.echo(msgspec.json.format(msgspec.json.encode(value), indent=2))


def print_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print columns as wide as their widest cell; the last one as it is."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head) - 1)]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line[:-1], widths, strict=True)]
        typer.echo("  ".join([*cells, line[-1]]).rstrip())


def print_problems(problems: Iterable[Problem]) -> None:
    """Print findings on standard error, one a line."""
    for problem in problems:
        colour = typer.colors.RED if problem.severity == "error" else typer.colors.YELLOW
        typer.secho(f"{problem.severity}: ", fg=colour, nl=False, err=True)
        typer.echo(str(problem), err=True)


def problem_as_data(problem: Problem) -> dict[str, Any]:
    """Return a finding as `--json` shows it."""
    return {
        "severity": problem.severity,
        "file": problem.place.file if problem.place else None,
        "line": problem.place.line or None if problem.place else None,
        "key": key_text(problem.path) or None,
        "message": problem.message,
    }


def report_error(message: str) -> None:
    """Print what went wrong on standard error."""
    typer.secho("error: ", fg=typer.colors.RED, nl=False, err=True)
    typer.echo(message, err=True)
