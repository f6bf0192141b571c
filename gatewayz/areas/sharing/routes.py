"""`/v1/chat/share`, and the page of a link. Source: spec 01 §8 (cases 3.7.*)."""

from typing import Final

from quart import Response

from gatewayz.areas.sharing.schema import ShareBody, SharesQuery
from gatewayz.areas.sharing.service import show_share, show_shared
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response
from gatewayz.web.templating import html_response, render

__all__ = ["ROUTES"]


async def create_share(call: Call) -> Response:
    """Make a link to a session; its token is told this once (3.7.1)."""
    body = await read_json(ShareBody)
    share, token = await call.services.sharing.create(call.user_id, int(body.session_id), body.expires_at)
    return json_response({"success": True, **show_share(share, token), "message": "Link created"})


async def list_shares(call: Call) -> Response:
    """The caller's links that were not revoked, newest first (3.7.2)."""
    query = read_query(SharesQuery)
    found = await call.services.sharing.list_shares(
        call.user_id, before=query.cursor, offset=query.offset, limit=query.limit
    )
    return json_response(
        {
            "success": True,
            "data": [show_share(each) for each in found],
            "count": len(found),
            "next_cursor": found[-1].id if len(found) == query.limit else None,
            "message": f"{len(found)} links",
        }
    )


async def show_shared_chat(call: Call, token: str) -> Response:
    """The conversation of a link, for anybody who has it (3.7.3)."""
    session, messages = await call.services.sharing.view(token)
    shown = {"success": True, **show_shared(session, messages), "message": "Shared conversation"}
    return _unlisted(json_response(shown))


async def show_shared_page(call: Call, token: str) -> Response:
    """The same as a page to read."""
    session, messages = await call.services.sharing.view(token)
    response = html_response(render("shared_chat.html", session=session, messages=messages).encode())
    response.headers["content-security-policy"] = _POLICY
    return _unlisted(response)


async def revoke_share(call: Call, token: str) -> Response:
    """End a link, named by its token or its id (3.7.4)."""
    await call.services.sharing.revoke(call.user_id, token)
    return json_response({"success": True, "message": "Link revoked"})


def _unlisted(response: Response) -> Response:
    """Keep an answer out of search engines and caches: a revoked link shows nothing at once."""
    response.headers["x-robots-tag"] = "noindex, nofollow"
    response.headers["cache-control"] = "no-store"
    response.headers["referrer-policy"] = "no-referrer"
    return response


_S: Final = "/v1/chat/share"
_VIEWS: Final = "shared_chat"
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

ROUTES: Final = (
    Route(method="POST", path=_S, handler=create_share, guard="user", limit="chat_share", body=ShareBody),
    Route(method="GET", path=_S, handler=list_shares, guard="user", query=SharesQuery),
    Route(method="GET", path=f"{_S}/<token>", handler=show_shared_chat, guard="public", limit=_VIEWS),
    Route(method="DELETE", path=f"{_S}/<token>", handler=revoke_share, guard="user"),
    Route(
        method="GET",
        path="/share/<token>",
        handler=show_shared_page,
        guard="public",
        content_type="text/html",
        limit=_VIEWS,
    ),
)
