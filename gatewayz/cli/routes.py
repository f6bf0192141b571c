"""`gatewayz routes`: every endpoint, its guard and where its handler is."""

import inspect
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, RequestRedirect, Rule

from gatewayz.app import ROUTES
from gatewayz.cli.options import ConfigOption, JsonOption
from gatewayz.cli.printing import print_json, print_table, report_error
from gatewayz.web import hot
from gatewayz.web.routes import Route

__all__ = ["Listed", "app", "list_routes", "match"]

app = typer.Typer()


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint as it is printed."""

    method: str
    path: str
    guard: str
    handler: str
    """`file:line function`."""
    summary: str = ""


@app.command("routes")
def routes(
    path: Annotated[str | None, typer.Argument(help="A path, e.g. /v1/models/x: shows what answers it")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the endpoints, or those that answer a path. Exits with 1 when none does."""
    found = list_routes() if path is None else match(path)
    if as_json:
        print_json(found)
    elif found:
        rows = [(each.method, each.path, each.guard, each.handler) for each in found]
        print_table(("METHOD", "PATH", "GUARD", "HANDLER"), rows)
    if not found:
        report_error(f"nothing answers {path}")
        raise typer.Exit(1)


def list_routes() -> list[Listed]:
    """Return every endpoint, sorted by path."""
    front = _place(hot.HotFront)
    found = [Listed(method="POST", path=path, guard="user", handler=front) for path in hot.HOT_ROUTES]
    found += [_listed(route) for route in ROUTES]
    return sorted(found, key=lambda each: (each.path, each.method))


def match(path: str) -> list[Listed]:
    """Return the endpoints that answer a path, one for each method."""
    known = {(each.method, each.path): each for each in list_routes()}
    rules = [Rule(each.path, endpoint=key, methods=[each.method]) for key, each in known.items()]
    adapter = Map(rules, strict_slashes=False).bind("localhost")
    found: list[Listed] = []
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        try:
            key, _ = adapter.match(path, method=method)
        except (NotFound, MethodNotAllowed, RequestRedirect):
            continue
        if key[0] == method:
            found.append(known[key])
    return found


def _listed(route: Route) -> Listed:
    guard = f"{route.guard} ({route.group})" if route.group else route.guard
    doc = inspect.getdoc(route.handler) or ""
    return Listed(
        method=route.method,
        path=route.path,
        guard=guard,
        handler=_place(route.handler),
        summary=doc.partition("\n")[0],
    )


def _place(handler: object) -> str:
    function = inspect.unwrap(handler) if callable(handler) else handler
    name = getattr(function, "__qualname__", type(function).__name__)
    try:
        file = inspect.getsourcefile(function)  # type: ignore[arg-type]  # what has no source is caught below
        line = inspect.getsourcelines(function)[1]  # type: ignore[arg-type]
    except (OSError, TypeError):
        return name
    shown = Path(file or "")
    here = Path.cwd()
    return f"{shown.relative_to(here) if shown.is_relative_to(here) else shown}:{line} {name}"
