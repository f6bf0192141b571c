"""Every route has a guard, a description, and a numbered case or a test that asks it.

Which test asks what is read from their source: the text of a URL in a call tells the path, the call's name or an
argument the method. A text whose call tells no method counts for all methods.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from gatewayz.app import ROUTES, openapi_document
from gatewayz.web.guards import AccessGroup, Guard
from gatewayz.web.hot import HOT_ROUTES
from tests.acceptance.cases import CASES

TESTS = Path(__file__).parents[2]
FOLDERS = ("live", "acceptance", "faults", "unit/areas", "unit/web")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
VARIABLE = re.compile(r"<(?:(\w+)(?:\([^)]*\))?:)?\w+>")
EVERY = sorted({(route.method, route.path) for route in ROUTES} | {("POST", path) for path in HOT_ROUTES})


def pattern(path: str) -> re.Pattern[str]:
    """Return what URLs of a route look like."""
    parts, end = [], 0
    for found in VARIABLE.finditer(path):
        parts += [re.escape(path[end : found.start()]), ".+" if found[1] == "path" else "[^/]+"]
        end = found.end()
    return re.compile("".join(parts) + re.escape(path[end:]) + "/?")


def text_of(node: ast.AST) -> str | None:
    """Return a text, its values as `x`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "x" for part in node.values)
    return None


def url_path(text: str) -> str | None:
    """Return the path of a URL or of a path behind some base, None for other texts."""
    found = re.match(r"(?:https?://[^/]+|x|http://127\.0\.0\.1:x)?(/[^?#\s]*)", text)
    return found[1] if found else None


def method_of(call: ast.Call) -> str | None:
    """Return the method that a call's name or one of its arguments tells."""
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name.upper() in METHODS:
        return name.upper()
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return next((text for value in values if (text := text_of(value)) in METHODS), None)


def asked_in(source: str) -> Iterator[tuple[str | None, str]]:
    """Yield method, where it is told, and path of everything that a test may ask."""
    tree = ast.parse(source)
    in_calls: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            text = text_of(argument)
            if text is not None and (path := url_path(text)) is not None and (method := method_of(node)) is not None:
                in_calls.add(id(argument))
                yield method, path
    for node in ast.walk(tree):
        text = text_of(node)
        if text is not None and id(node) not in in_calls and (path := url_path(text)) is not None:
            yield None, path


@cache
def asked() -> frozenset[tuple[str | None, str]]:
    found: set[tuple[str | None, str]] = set()
    for case in CASES.values():
        found.add((case["method"], re.sub(r"\{\w+\}", "x", case["path"])))
    for source in sources():
        found.update(asked_in(source))
    return frozenset(found)


@cache
def sources() -> tuple[str, ...]:
    files = [file for folder in FOLDERS for file in (TESTS / folder).rglob("*.py") if file != Path(__file__)]
    return tuple(file.read_text() for file in files)


@cache
def texts_of_files() -> tuple[frozenset[str], ...]:
    """Return the texts of each file, those of URLs as paths."""
    return tuple(
        frozenset(url_path(text) or text for node in ast.walk(ast.parse(source)) if (text := text_of(node)))
        for source in sources()
    )


def is_put_together(path: str) -> bool:
    """True when a file has the beginning of the path and its rest apart, as where a client has a base."""
    segments = VARIABLE.sub("x", path).split("/")
    for count in range(2, len(segments)):
        front, rest = "/".join(segments[:count]), "/".join(segments[count:])
        for texts in texts_of_files():
            if front in texts and not texts.isdisjoint({rest, f"/{rest}"}):
                return True
    return False


def is_asked(method: str, path: str) -> bool:
    fits = pattern(path)
    return any(told in (None, method) and fits.fullmatch(url) for told, url in asked()) or is_put_together(path)


def names_of(method: str, path: str) -> list[str]:
    """Return the path and every other one that the same handler answers."""
    if path in HOT_ROUTES:
        return [path, path.removeprefix("/v1")] if path.startswith("/v1/v1") else [path]
    handlers = {route.handler for route in ROUTES if (route.method, route.path) == (method, path)}
    return [route.path for route in ROUTES if route.method == method and route.handler in handlers]


def test_every_route_has_a_guard() -> None:
    for route in ROUTES:
        assert route.guard in get_args(Guard), route.path
        assert (route.guard == "operator") is (route.group in get_args(AccessGroup)), route.path


def test_every_route_is_described() -> None:
    paths = msgspec.json.decode(openapi_document())["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert {(method, VARIABLE.sub("{}", path)) for method, path in EVERY} == {
        (method, re.sub(r"\{[^}]+\}", "{}", path)) for method, path in described
    }


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_every_route_is_asked_by_a_case_or_a_test(method: str, path: str) -> None:
    """A path that is another name of one that is asked counts as asked: one handler answers both."""
    assert any(is_asked(method, name) for name in names_of(method, path)), (
        "no numbered case and no test asks this route"
    )
