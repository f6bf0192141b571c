"""`/openapi.json`, `/docs`, `/redoc`, and the files that pages load. Source: spec 05 §1 (1.1)."""

from collections.abc import Callable
from typing import Final

from quart import Response, request

from gatewayz.areas.documentation.pages import REDOC_PAGE, SWAGGER_PAGE, Page
from gatewayz.sdk.errors import ResourceNotFound
from gatewayz.web.assets import find_asset
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES", "document_route"]

_FOR_GOOD: Final = "public, max-age=31536000, immutable"


async def show_swagger(call: Call) -> Response:
    """The API description as a page to read and to try out."""
    return _page(SWAGGER_PAGE)


async def show_redoc(call: Call) -> Response:
    """The API description as a page to read."""
    return _page(REDOC_PAGE)


async def show_asset(call: Call, name: str) -> Response:
    """A file that a page loads; for good, when it is asked for by its digest."""
    asset = find_asset(name)
    if asset is None:
        raise ResourceNotFound("There is no such file.")
    takes_gzip = "gzip" in request.headers.get("accept-encoding", "")
    response = Response(asset.compressed if takes_gzip else asset.plain, content_type=asset.content_type)
    if takes_gzip:
        response.headers["content-encoding"] = "gzip"
    response.headers["vary"] = "accept-encoding"
    response.headers["etag"] = f'"{asset.digest}"'
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["cache-control"] = _FOR_GOOD if request.args.get("v") == asset.digest else "no-cache"
    return response


def document_route(document: Callable[[], bytes]) -> Route:
    """Return the route of the API description; `document` encodes that of all routes, this one among them."""

    async def show_document(call: Call) -> Response:
        """The description of every endpoint, in OpenAPI 3.1."""
        return json_response(document())

    return Route(method="GET", path="/openapi.json", handler=show_document, guard="public")


def _page(page: Page) -> Response:
    response = Response(page.html, content_type="text/html; charset=utf-8")
    response.headers["content-security-policy"] = page.policy
    response.headers["x-content-type-options"] = "nosniff"
    response.headers["referrer-policy"] = "no-referrer"
    return response


ROUTES: Final = (
    Route(method="GET", path="/docs", handler=show_swagger, guard="public", content_type="text/html"),
    Route(method="GET", path="/redoc", handler=show_redoc, guard="public", content_type="text/html"),
    Route(method="GET", path="/static/<name>", handler=show_asset, guard="public", content_type="*/*"),
)
