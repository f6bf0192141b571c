"""The description says what the routes do."""

import ast
import inspect
from functools import cache
from types import ModuleType
from typing import Any

import msgspec
import pytest

from gatewayz.app import ROUTES, openapi_document
from gatewayz.web.hot import HOT_ROUTES
from gatewayz.web.routes import Route

DOCUMENT: dict[str, Any] = msgspec.json.decode(openapi_document())
READERS = ("read_json", "read_query")


@cache
def reads(module: ModuleType) -> dict[str, dict[str, set[str]]]:
    """Return function name to what it reads, by reader, other functions of the module that it calls included."""
    functions = {
        node.name: node
        for node in ast.parse(inspect.getsource(module)).body
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }

    def collect(name: str, seen: frozenset[str]) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {reader: set() for reader in READERS}
        for node in ast.walk(functions[name]):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name)):
                continue
            called = node.func.id
            if called in READERS and node.args:
                found[called].add(ast.unparse(node.args[0]))
            elif called in functions and called not in seen:
                for reader, names in collect(called, seen | {called}).items():
                    found[reader] |= names
        return found

    return {name: collect(name, frozenset({name})) for name in functions}


def routes_of_functions() -> list[Route]:
    return [route for route in ROUTES if "<locals>" not in route.handler.__qualname__]


@pytest.mark.parametrize("route", routes_of_functions(), ids=lambda route: f"{route.method} {route.path}")
def test_a_route_tells_what_its_handler_reads(route: Route) -> None:
    module = inspect.getmodule(route.handler)
    assert module is not None
    found = reads(module)[route.handler.__name__]
    for reader, told in (("read_json", route.body), ("read_query", route.query)):
        types = {eval(name, vars(module)) for name in found[reader]}  # names in our own source
        if told is not None or len(types) == 1:
            assert types == {told}, f"{reader} of {route.handler.__name__}"


def test_every_route_is_described_once() -> None:
    operations = [
        (method, path, operation["operationId"])
        for path, methods in DOCUMENT["paths"].items()
        for method, operation in methods.items()
    ]
    assert len(operations) == len({(route.method, route.path) for route in ROUTES}) + len(HOT_ROUTES)
    assert len({operation_id for _, _, operation_id in operations}) == len(operations)


def test_path_variables_have_their_bounds() -> None:
    operation = DOCUMENT["paths"]["/user/api-keys/{key_id}"]["put"]
    (variable,) = [each for each in operation["parameters"] if each["in"] == "path"]
    assert variable["schema"] == {"type": "integer", "minimum": 0, "maximum": 9007199254740991}


def test_query_parameters_are_those_of_the_type() -> None:
    operation = DOCUMENT["paths"]["/user/api-keys/audit-logs"]["get"]
    limit = next(each for each in operation["parameters"] if each["name"] == "limit")
    assert limit == {
        "name": "limit",
        "in": "query",
        "required": False,
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
    }


def test_guards_become_security() -> None:
    paths = DOCUMENT["paths"]
    assert paths["/health"]["get"]["security"] == []
    assert {"bearer": []} in paths["/user/api-keys"]["get"]["security"]
    assert {} in paths["/v1/models"]["get"]["security"]
    assert "401" in paths["/user/api-keys"]["get"]["responses"]


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for each in value.values() for found in references(each)]
        return [found for each in value for found in references(each)] if isinstance(value, list) else []

    for reference in set(references(DOCUMENT)):
        place: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]
