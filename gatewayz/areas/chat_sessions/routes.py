"""`/v1/chat/sessions`, `/v1/chat/search`, `/v1/chat/stats`. Source: spec 01 §6 (cases 3.5.*)."""

from typing import Final

from quart import Response

from gatewayz.areas.chat_sessions.schema import (
    ChatSearchBody,
    ChatSessionBody,
    MessageBatchBody,
    MessageBody,
    MessageQuery,
    MessagesQuery,
    NewChatSessionBody,
    SessionsQuery,
)
from gatewayz.areas.chat_sessions.service import (
    judged,
    next_cursor,
    sent_message,
    show_found,
    show_message,
    show_session,
)
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.store.conversation_records import SessionChanges
from gatewayz.web.bodies import read_json
from gatewayz.web.query import read_query
from gatewayz.web.routes import Call, Route, json_response

__all__ = ["ROUTES"]


async def create_session(call: Call) -> Response:
    """Begin a session."""
    body = await read_json(NewChatSessionBody, default=NewChatSessionBody())
    made = await call.services.conversations.create(call.user_id, body.title, body.model)
    return json_response({"success": True, "data": show_session(made), "message": "Session created"})


async def list_sessions(call: Call) -> Response:
    """The caller's sessions, newest first (3.5.1)."""
    query = read_query(SessionsQuery)
    found = await call.services.conversations.list_sessions(
        call.user_id, before=query.cursor, offset=query.offset, limit=query.limit
    )
    return json_response(
        {
            "success": True,
            "data": [show_session(each) for each in found],
            "count": len(found),
            "next_cursor": next_cursor(found, query.limit),
            "message": f"{len(found)} sessions",
        }
    )


async def show_one(call: Call, session_id: int) -> Response:
    """A session with its newest messages, oldest of them first (3.5.2)."""
    query = read_query(MessagesQuery)
    conversations = call.services.conversations
    session = await conversations.find(call.user_id, session_id)
    page = await conversations.list_messages(call.user_id, session_id, before=query.cursor, limit=query.limit)
    messages = [show_message(each) for each in page.messages]
    shown = {**show_session(session), "messages": messages, "message_count": page.total}
    cursor = page.messages[0].id if page.has_older else None
    return json_response({"success": True, "data": shown, "next_cursor": cursor, "message": "Session found"})


async def change_session(call: Call, session_id: int) -> Response:
    """Change title or model (3.5.6)."""
    body = await read_json(ChatSessionBody)
    changes = SessionChanges(title=body.title, model=body.model)
    if changes == SessionChanges():
        raise InvalidRequest("Nothing to change was sent: title or model.", param="title")
    changed = await call.services.conversations.change(call.user_id, session_id, changes)
    return json_response({"success": True, "data": show_session(changed), "message": "Session updated"})


async def delete_session(call: Call, session_id: int) -> Response:
    """Delete a session; links to it end too (3.5.7)."""
    await call.services.conversations.delete(call.user_id, session_id)
    return json_response({"success": True, "message": "Session deleted"})


async def add_message(call: Call, session_id: int) -> Response:
    """Put a message at the end of a session (3.5.3)."""
    body = await read_json(MessageBody, default=MessageBody())
    message = sent_message(body, read_query(MessageQuery))
    (kept,) = await call.services.conversations.add_messages(call.user_id, session_id, [message])
    return json_response({"success": True, "data": show_message(kept), "message": "Message saved"})


async def add_messages(call: Call, session_id: int) -> Response:
    """Put many messages at the end of a session; those that are wrong are told, the others kept together (3.5.4)."""
    body = await read_json(MessageBatchBody)
    good, failed = judged(body.messages)
    kept = await call.services.conversations.add_messages(call.user_id, session_id, good)
    data = {
        "saved": [show_message(each) for each in kept],
        "failed": failed,
        "total": len(body.messages),
        "success_count": len(kept),
        "failure_count": len(failed),
    }
    return json_response({"success": not failed, "data": data, "message": f"{len(kept)} messages saved"})


async def search(call: Call) -> Response:
    """The caller's sessions in which words occur, newest first, with where (3.5.5)."""
    body = await read_json(ChatSearchBody)
    sessions, texts = await call.services.conversations.search(
        call.user_id, body.query, before=body.cursor, limit=body.limit
    )
    return json_response(
        {
            "success": True,
            "data": list(show_found(sessions, texts)),
            "count": len(sessions),
            "next_cursor": next_cursor(sessions, body.limit),
            "message": f"{len(sessions)} sessions found",
        }
    )


async def show_stats(call: Call) -> Response:
    """How much the caller has in sessions (3.5.8)."""
    totals = await call.services.conversations.totals(call.user_id)
    stats = {
        "total_sessions": totals.sessions,
        "total_messages": totals.messages,
        "total_tokens": totals.tokens,
    }
    return json_response({"success": True, "stats": stats, "message": "Chat statistics"})


_S: Final = "/v1/chat/sessions"
_ONE: Final = f"{_S}/<int(max=9007199254740991):session_id>"

ROUTES: Final = (
    Route(method="POST", path=_S, handler=create_session, guard="user", body=NewChatSessionBody),
    Route(method="GET", path=_S, handler=list_sessions, guard="user", query=SessionsQuery),
    Route(method="GET", path=_ONE, handler=show_one, guard="user", query=MessagesQuery),
    Route(method="PUT", path=_ONE, handler=change_session, guard="user", body=ChatSessionBody),
    Route(method="DELETE", path=_ONE, handler=delete_session, guard="user"),
    Route(
        method="POST",
        path=f"{_ONE}/messages",
        handler=add_message,
        guard="user",
        body=MessageBody,
        query=MessageQuery,
    ),
    Route(method="POST", path=f"{_ONE}/messages/batch", handler=add_messages, guard="user", body=MessageBatchBody),
    Route(method="POST", path="/v1/chat/search", handler=search, guard="user", body=ChatSearchBody),
    Route(method="GET", path="/v1/chat/stats", handler=show_stats, guard="user"),
)
