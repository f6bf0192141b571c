"""`/auth`. Source: spec 03 §1 (cases 2.1 to 2.6)."""

from typing import Final

from quart import Response

from gatewayz.areas.auth.schema import RegisterBody, ResetQuery, ResetRequestQuery, SignInBody
from gatewayz.areas.auth.service import (
    check_auth,
    register,
    request_reset,
    reset_password,
    send_welcome,
    sign_in,
)
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def enter(call: Call) -> Response:
    """Sign in with an identity token; the first time makes the account."""
    body = await read_json(SignInBody)
    edition = call.edition
    shown = await sign_in(body, call.services, edition.settings, edition.identity, call.client_address)
    if shown["is_new_user"]:
        edition.background.spawn(send_welcome(shown, call.services))
    return _private(json_response(shown))


async def register_account(call: Call) -> Response:
    """Make an account without an identity provider."""
    body = await read_json(RegisterBody)
    shown = await register(body, call.services, call.edition.settings, call.client_address)
    call.edition.background.spawn(send_welcome(shown, call.services))
    return _private(json_response(shown))


async def mail_reset(call: Call) -> Response:
    """Mail a reset token; the answer is the same for every address, and comes before the look-up."""
    call.edition.background.spawn(request_reset(read_query(ResetRequestQuery).email, call.services))
    return json_response({"message": "If the address has an account, a mail is on its way."})


async def confirm_reset(call: Call) -> Response:
    """Use a reset token."""
    return json_response(await reset_password(read_query(ResetQuery).token, call.services))


async def show_health(call: Call) -> Response:
    """How signing in fares; always 200."""
    return json_response(await check_auth(call.services, call.edition.settings))


def _private(answer: Response) -> Response:
    answer.headers["cache-control"] = "no-store"
    return answer


ROUTES: Final = (
    Route(method="POST", path="/auth", handler=enter, guard="public", limit="auth", body=SignInBody),
    Route(
        method="POST",
        path="/auth/register",
        handler=register_account,
        guard="public",
        limit="register",
        body=RegisterBody,
    ),
    Route(method="POST", path="/create", handler=register_account, guard="public", limit="register", body=RegisterBody),
    Route(
        method="POST",
        path="/auth/password-reset",
        handler=mail_reset,
        guard="public",
        limit="password_reset",
        query=ResetRequestQuery,
    ),
    Route(
        method="POST",
        path="/auth/reset-password",
        handler=confirm_reset,
        guard="public",
        limit="password_reset",
        query=ResetQuery,
    ),
    Route(method="GET", path="/auth/health", handler=show_health, guard="public"),
)
