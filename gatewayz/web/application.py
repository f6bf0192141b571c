"""The Quart application: mounts routes behind their guards and turns every error into the envelope."""

import logging
from collections.abc import Callable, Iterable
from typing import Any, Final

from quart import Quart, Request, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound, RequestEntityTooLarge

from gatewayz.domain.identity.restrictions import check_restrictions
from gatewayz.flow.endpoint_limits import check_endpoint
from gatewayz.flow.gateway import Gateway
from gatewayz.sdk.errors import BodyTooLarge, GatewayzError, InvalidRequest, ResourceNotFound
from gatewayz.sdk.wire import ANTHROPIC_MESSAGES, OPENAI_CHAT, Format
from gatewayz.telemetry.logs import REQUEST_ID
from gatewayz.telemetry.metrics.request_record import UNKNOWN_ENDPOINT, RequestRecord
from gatewayz.web.client_address import ClientAddresses
from gatewayz.web.cors import Cors
from gatewayz.web.errors import InternalError, error_headers, render_error
from gatewayz.web.guards import enforce
from gatewayz.web.hot import HOT_ROUTES
from gatewayz.web.network import check_network, note_outcome
from gatewayz.web.request_head import read_head
from gatewayz.web.routes import Call, Route
from gatewayz.web.services import Services

__all__ = ["create_application"]

_log = logging.getLogger("gatewayz.web")
_FORM_BYTES: Final = 64 * 1024
"""What a form has around its file."""
_OPENAI_PATHS: Final = ("/v1/models", "/v1/files", "/v1/batches")
"""Those that OpenAI's SDKs ask for, beside the hot ones."""


class EndpointMissing(ResourceNotFound):
    """No route of that path."""

    default_code = "ENDPOINT_NOT_FOUND"


class MethodRefused(GatewayzError):
    """The path exists, with other methods."""

    status = 405
    type = "invalid_request_error"
    default_code = "METHOD_NOT_ALLOWED"


def create_application(
    gateway: Gateway,
    routes: Iterable[Route],
    services_of: Callable[[], Services],
    max_body_bytes: int,
    requests: RequestRecord,
) -> Quart:
    """Return the application that serves everything but the hot routes.

    :param services_of: gives the services once the process has started.
    :param requests: counts what is answered.
    """
    routes = tuple(routes)
    app = Quart("gatewayz", static_folder=None)
    app.request_class = _request_class(gateway, routes)
    app.config.update(MAX_CONTENT_LENGTH=max_body_bytes, PROVIDE_AUTOMATIC_OPTIONS=False, RESPONSE_TIMEOUT=None)
    app.url_map.strict_slashes = False
    for route in routes:
        _mount(app, gateway, route, services_of)
    _count(app, gateway, requests)
    _read_heads(app, gateway)
    _answer_errors(app, gateway)
    _stamp_answers(app, gateway)
    return app


def _request_class(gateway: Gateway, routes: Iterable[Route]) -> type[Request]:
    """Return requests whose bodies are bounded as their route says."""
    uploads = frozenset((route.method, route.path) for route in routes if route.is_upload)

    class BoundedRequest(Request):
        def __init__(self, method: str, scheme: str, path: str, *rest: Any, **more: Any) -> None:
            if (method, path) in uploads:
                more["max_content_length"] = gateway.edition.settings.files.max_file_bytes + _FORM_BYTES
            super().__init__(method, scheme, path, *rest, **more)

    return BoundedRequest


def _mount(app: Quart, gateway: Gateway, route: Route, services_of: Callable[[], Services]) -> None:
    async def view(**variables: str) -> Response:
        lease = gateway.acquire()
        try:
            edition = lease.edition
            addresses = ClientAddresses(edition.settings.server.trusted_proxies)
            address = addresses.resolve(request.remote_addr or "", g.head.forwarded_for)
            headers = request.scope["headers"]
            await check_network(request.path, g.head.credential, address, headers, edition)
            caller = await enforce(route.guard, route.group, g.head.credential, edition)
            if route.limit is not None:
                await check_endpoint(route.limit, caller, address, edition)
            if caller.is_restricted():
                check_restrictions(caller, address, g.head.referrer)
            call = Call(caller=caller, edition=edition, services=services_of(), head=g.head, client_address=address)
            answer = await route.handler(call, **variables)
            note_outcome(edition)
            return answer
        finally:
            lease.release()

    endpoint = f"{route.method} {route.path}"
    app.add_url_rule(route.path, endpoint, view, methods=[route.method])
    app.view_functions[endpoint].__doc__ = route.handler.__doc__


def _count(app: Quart, gateway: Gateway, requests: RequestRecord) -> None:
    @app.before_request
    async def note_start() -> None:
        g.started = gateway.edition.clock.monotonic()
        requests.in_progress += 1

    @app.after_request
    async def note_answer(response: Response) -> Response:
        rule = request.url_rule
        endpoint = UNKNOWN_ENDPOINT if rule is None else rule.rule
        seconds = gateway.edition.clock.monotonic() - g.started
        requests.record(request.method, endpoint, response.status_code, seconds)
        return response

    @app.teardown_request
    async def note_end(_: BaseException | None) -> None:
        requests.in_progress -= "started" in g


def _read_heads(app: Quart, gateway: Gateway) -> None:
    @app.before_request
    async def read_request_head() -> Response | None:
        g.head = read_head(request.scope["headers"])
        REQUEST_ID.set(g.head.request_id)
        if request.method == "OPTIONS":
            cors = Cors(gateway.edition.settings.access.cors_origins)
            asked = request.headers.get("access-control-request-headers", "").encode("latin-1") or None
            answer = Response("", status=204)
            answer.headers.extend(_as_text(cors.preflight(g.head.origin, asked)))
            return answer
        return None


def _answer_errors(app: Quart, gateway: Gateway) -> None:
    @app.errorhandler(GatewayzError)
    async def gateway_error(error: GatewayzError) -> Response:
        note_outcome(gateway.edition, error)
        return _error_response(error)

    @app.errorhandler(HTTPException)
    async def framework_error(error: HTTPException) -> Response:
        return _error_response(_own_error(error))

    @app.errorhandler(Exception)
    async def unforeseen(error: Exception) -> Response:
        _log.exception("request %s failed", g.head.request_id, exc_info=error)
        return _error_response(InternalError())


def _stamp_answers(app: Quart, gateway: Gateway) -> None:
    @app.after_request
    async def stamp(response: Response) -> Response:
        for name in ("x-request-id", "request-id", "x-correlation-id"):
            response.headers[name] = g.head.request_id
        if g.head.origin is not None:
            cors = Cors(gateway.edition.settings.access.cors_origins)
            response.headers.extend(_as_text(cors.headers(g.head.origin)))
        return response


def _own_error(error: HTTPException) -> GatewayzError:
    if isinstance(error, NotFound):
        if request.path in HOT_ROUTES:
            return MethodRefused("This route takes POST.")
        return EndpointMissing(f"There is no route {request.method} {request.path[:200]}")
    if isinstance(error, MethodNotAllowed):
        return MethodRefused(f"{request.method} is not allowed here.")
    if isinstance(error, RequestEntityTooLarge):
        return BodyTooLarge("The body is larger than the configured limit.")
    return InvalidRequest(error.description or "The request cannot be understood.")


def _error_response(error: GatewayzError) -> Response:
    body = render_error(error, _dialect(request.path), g.head.request_id)
    response = Response(body, status=error.status, content_type="application/json")
    response.headers.extend(_as_text(error_headers(error)))
    return response


def _dialect(path: str) -> Format | None:
    """Return the dialect whose SDKs read errors of this path; None for the gateway's own routes."""
    if path in HOT_ROUTES:
        return HOT_ROUTES[path]
    if path.endswith("/messages/count_tokens"):
        return ANTHROPIC_MESSAGES
    is_openai = any(path == each or path.startswith(f"{each}/") for each in _OPENAI_PATHS)
    return OPENAI_CHAT if is_openai else None


def _as_text(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
