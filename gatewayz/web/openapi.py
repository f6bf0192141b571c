"""The description of every endpoint, in OpenAPI 3.1, made from the routes themselves.

What a route takes is the type its handler reads; what it answers is described where that is a type. Errors are the
same everywhere. Source: spec 05 §1 (documentation), openapis.org/3.1.0.
"""

import inspect
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_IMAGES, Format
from gatewayz.web.audio_openapi import AUDIO_OPERATIONS, audio_operation
from gatewayz.web.guards import Guard
from gatewayz.web.images_openapi import images_operation
from gatewayz.web.routes import Route

__all__ = ["Document", "describe"]

Document = dict[str, Any]

_REF: Final = "#/components/schemas/{name}"
_VARIABLE: Final = re.compile(r"<(?:(?P<kind>\w+)(?:\((?P<bounds>[^)]*)\))?:)?(?P<name>\w+)>")
_SECURITY: Final[Mapping[Guard, list[dict[str, list[str]]]]] = {
    "public": [],
    "optional": [{}, {"bearer": []}, {"x-api-key": []}],
    "user": [{"bearer": []}, {"x-api-key": []}],
    "admin": [{"bearer": []}, {"x-api-key": []}],
    "admin_key": [{"bearer": []}],
    "operator": [{}, {"bearer": []}],
}
_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of this gateway."},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key."},
}
_ERRORS: Final[Mapping[str, str]] = {
    "400": "The request is malformed; `param` names what is wrong.",
    "401": "No key, or one that is not valid.",
    "402": "The balance is not enough.",
    "403": "The key may not do this.",
    "404": "There is no such thing, or it is not the caller's.",
    "409": "It contradicts what is there.",
    "413": "The body is too large.",
    "415": "The body is not of a type that is read here.",
    "422": "A value does not fit; `param` names it.",
    "429": "A limit is reached; Retry-After says for how long.",
    "502": "The provider answered with an error, or with nonsense.",
    "503": "Something the gateway needs does not answer; try again.",
    "504": "The provider did not answer in time.",
}
_GATEWAY_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message", "code", "status", "request_id", "timestamp"],
            "properties": {
                "type": {"type": "string"},
                "message": {"type": "string"},
                "code": {"type": ["string", "null"]},
                "param": {"type": ["string", "null"]},
                "status": {"type": "integer"},
                "request_id": {"type": "string"},
                "timestamp": {"type": "string", "format": "date-time"},
                "suggestions": {"type": "array", "items": {"type": "string"}},
            },
        },
        "detail": {"type": "array", "items": {"type": "object"}},
    },
}
_UPLOAD: Final = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "contentMediaType": "application/octet-stream"},
        "purpose": {"type": "string", "enum": ["batch"]},
        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
        "expires_after[seconds]": {"type": "integer", "minimum": 3600, "maximum": 2592000},
    },
}
_INFERENCE_ERROR: Final = {
    "type": "object",
    "description": "In the words of the caller's format.",
    "required": ["error"],
    "properties": {
        "type": {"type": "string"},
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "properties": {"type": {"type": "string"}, "message": {"type": "string"}},
        },
    },
}


def describe(routes: Iterable[Route], inference: Mapping[str, Format], *, version: str) -> Document:
    """Return the document.

    :param inference: path to caller format of the routes that the front serves itself.
    """
    routes = tuple(routes)
    types = {kind for route in routes for kind in (route.body, route.answer) if kind is not None}
    parameter_types = {route.query for route in routes if route.query is not None}
    named = sorted(types | parameter_types, key=lambda kind: (kind.__name__, kind.__module__))
    schemas, components = msgspec.json.schema_components(named, ref_template=_REF)
    schema_of = dict(zip(named, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path, variables = _path(route.path)
        operation = _operation(route, schema_of)
        parameters = [*variables, *_query_parameters(route.query, schema_of, components)]
        if parameters:
            operation["parameters"] = parameters
        paths.setdefault(path, {})[route.method.lower()] = operation
    for path, format in inference.items():
        paths[path] = {"post": _inference_operation(path, format)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Gatewayz Inference API",
            "version": version,
            "description": "One API key, every AI model, automatic reliability, one bill.",
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "securitySchemes": _SCHEMES,
            "responses": _all_error_responses(),
            "schemas": {**components, "GatewayError": _GATEWAY_ERROR, "InferenceError": _INFERENCE_ERROR},
        },
    }


def _operation(route: Route, schema_of: Mapping[type, Any]) -> Document:
    summary, _, description = (inspect.getdoc(route.handler) or "").partition("\n")
    answer: Document = {"description": "Done."}
    if route.content_type:
        schema = schema_of[route.answer] if route.answer is not None else {}
        answer["content"] = {route.content_type: {"schema": schema}}
    operation: Document = {
        "operationId": _operation_id(route),
        "tags": [_tag(route)],
        "summary": summary.strip(),
        "security": _SECURITY[route.guard],
        "responses": {str(route.status): answer, **_error_responses(_errors_of(route), "GatewayError")},
    }
    if description.strip():
        operation["description"] = description.strip()
    if route.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schema_of[route.body]}},
        }
    if route.is_upload:
        operation["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": _UPLOAD}}}
    return operation


def _errors_of(route: Route) -> list[str]:
    codes = {"400", "404", "422", "429", "503"}
    if route.guard != "public":
        codes |= {"401", "403"}
    if route.method != "GET":
        codes |= {"409", "413", "415"}
    return sorted(codes)


def _error_responses(codes: Iterable[str], schema: str) -> Document:
    return {code: {"$ref": f"#/components/responses/{schema}{code}"} for code in codes}


def _all_error_responses() -> Document:
    return {
        f"{name}{code}": {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": _REF.format(name=name)}}},
        }
        for name in ("GatewayError", "InferenceError")
        for code, text in _ERRORS.items()
    }


def _inference_operation(path: str, format: Format) -> Document:
    if format in AUDIO_OPERATIONS or format == OPENAI_IMAGES:
        told = images_operation(format) if format == OPENAI_IMAGES else audio_operation(path, format)
        return {
            "operationId": f"post{path.replace('/', '_')}",
            "tags": ["inference"],
            "security": _SECURITY["user"],
            "responses": {"200": told.pop("answer"), **_error_responses(_ERRORS, "InferenceError")},
            **told,
        }
    shape = "Anthropic's" if format == ANTHROPIC_MESSAGES else "OpenAI's"
    return {
        "operationId": f"post{path.replace('/', '_')}",
        "tags": ["inference"],
        "summary": f"One inference call in {shape} format ({format}).",
        "description": "Fields are those of the vendor's own API; ones this gateway does not know reach the provider. "
        "With `stream: true` the answer is server-sent events.",
        "security": _SECURITY["optional"],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["model"],
                        "properties": {"model": {"type": "string"}, "stream": {"type": "boolean"}},
                        "additionalProperties": True,
                    }
                }
            },
        },
        "responses": {
            "200": {
                "description": "The model's answer.",
                "content": {"application/json": {"schema": {"type": "object"}}, "text/event-stream": {"schema": {}}},
            },
            **_error_responses(_ERRORS, "InferenceError"),
        },
    }


def _path(rule: str) -> tuple[str, list[Document]]:
    """Return a Werkzeug rule as OpenAPI writes it, and its variables."""
    variables = [_variable(found["name"], found["kind"], found["bounds"]) for found in _VARIABLE.finditer(rule)]
    return _VARIABLE.sub(lambda found: f"{{{found['name']}}}", rule), variables


def _variable(name: str, kind: str | None, bounds: str | None) -> Document:
    variable: Document = {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    if kind == "int":
        schema: Document = {"type": "integer", "minimum": 0}
        for bound, number in re.findall(r"(min|max)=(\d+)", bounds or ""):
            schema["minimum" if bound == "min" else "maximum"] = int(number)
        variable["schema"] = schema
    elif kind == "path":
        variable["description"] = "May contain slashes."
    return variable


def _query_parameters(
    kind: type | None, schema_of: Mapping[type, Any], components: Mapping[str, Any]
) -> list[Document]:
    if kind is None:
        return []
    schema = components[schema_of[kind]["$ref"].rpartition("/")[2]]
    required = schema.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": shape}
        for name, shape in schema.get("properties", {}).items()
    ]


def _operation_id(route: Route) -> str:
    path = _VARIABLE.sub(lambda found: f"by_{found['name']}", route.path)
    parts = [route.method.lower(), *re.split(r"[^0-9A-Za-z]+", path)]
    if len(path) > 1 and path.endswith("/"):
        parts.append("root")  # `/status` and `/status/` are two routes
    return "_".join(part for part in parts if part)


def _tag(route: Route) -> str:
    """Return the area, in words."""
    parts = route.handler.__module__.split(".")
    start = parts.index("areas") + 1 if "areas" in parts else len(parts) - 1
    return " ".join(part.replace("_", " ") for part in parts[start:] if part != "routes") or "gateway"
