"""`/v1/chat/feedback`. Source: spec 01 §7 (cases 3.6.*)."""

from typing import Final

from quart import Response

from gatewayz.areas.feedback.schema import (
    FeedbackBody,
    FeedbackChangeBody,
    FeedbackPageQuery,
    FeedbackQuery,
    FeedbackStatsQuery,
)
from gatewayz.areas.feedback.service import check_metadata, sent_feedback, show_list, show_stats
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.store.feedback_records import FeedbackChanges, FeedbackFilter
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def give_feedback(call: Call) -> Response:
    """Say what an answer is worth (3.6.1)."""
    body = await read_json(FeedbackBody)
    check_metadata(body.metadata)
    given = await call.services.feedback.give(call.user_id, sent_feedback(body))
    return json_response({"success": True, "data": given, "message": "Feedback saved"})


async def list_feedback(call: Call) -> Response:
    """The caller's feedback, newest first (3.6.2)."""
    query = read_query(FeedbackQuery)
    wanted = FeedbackFilter(
        feedback_type=query.feedback_type, session_id=query.session_id, model=query.model, before=query.cursor
    )
    found = await call.services.feedback.list_feedback(call.user_id, wanted, offset=query.offset, limit=query.limit)
    return json_response(show_list(found, query.limit))


async def show_feedback_stats(call: Call) -> Response:
    """The caller's feedback in figures, by model (3.6.3)."""
    query = read_query(FeedbackStatsQuery)
    totals = await call.services.feedback.totals(call.user_id, query.days, query.model)
    return json_response({"success": True, "stats": show_stats(totals, query.days), "message": "Feedback statistics"})


async def list_of_session(call: Call, session_id: int) -> Response:
    """The feedback on one session (3.6.4)."""
    query = read_query(FeedbackPageQuery)
    found = await call.services.feedback.list_of_session(
        call.user_id, session_id, before=query.cursor, offset=query.offset, limit=query.limit
    )
    return json_response(show_list(found, query.limit))


async def change_feedback(call: Call, feedback_id: int) -> Response:
    """Think again (3.6.5)."""
    body = await read_json(FeedbackChangeBody)
    changes = FeedbackChanges(**{name: getattr(body, name) for name in body.__struct_fields__})
    if changes == FeedbackChanges():
        raise InvalidRequest("Nothing to change was sent.", param="feedback_type")
    if isinstance(changes.metadata, dict):
        check_metadata(changes.metadata)
    changed = await call.services.feedback.change(call.user_id, feedback_id, changes)
    return json_response({"success": True, "data": changed, "message": "Feedback updated"})


async def delete_feedback(call: Call, feedback_id: int) -> Response:
    """Take feedback back (3.6.6)."""
    await call.services.feedback.take_back(call.user_id, feedback_id)
    return json_response({"success": True, "message": "Feedback deleted"})


_F: Final = "/v1/chat/feedback"
_ONE: Final = f"{_F}/<int(max=9007199254740991):feedback_id>"
_OF_SESSION: Final = "/v1/chat/sessions/<int(max=9007199254740991):session_id>/feedback"

ROUTES: Final = (
    Route(method="POST", path=_F, handler=give_feedback, guard="user", body=FeedbackBody),
    Route(method="GET", path=_F, handler=list_feedback, guard="user", query=FeedbackQuery),
    Route(method="GET", path=f"{_F}/stats", handler=show_feedback_stats, guard="user", query=FeedbackStatsQuery),
    Route(method="PUT", path=_ONE, handler=change_feedback, guard="user", body=FeedbackChangeBody),
    Route(method="DELETE", path=_ONE, handler=delete_feedback, guard="user"),
    Route(method="GET", path=_OF_SESSION, handler=list_of_session, guard="user", query=FeedbackPageQuery),
)
