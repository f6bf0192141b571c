"""Sessions as their users see them. Source: spec 01 §6 (cases 3.5.*)."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

import msgspec

from gatewayz.areas.chat_sessions.schema import MessageBody, MessageQuery, StoredMessage
from gatewayz.sdk.errors import SchemaInvalid
from gatewayz.store.conversation_records import ChatMessage, ChatSession, FoundText, MatchMarks, NewMessage

__all__ = ["highlighted", "judged", "next_cursor", "sent_message", "show_found", "show_message", "show_session"]

_MARKS = MatchMarks()


def show_session(session: ChatSession) -> dict[str, Any]:
    """Return a session without its messages."""
    return msgspec.structs.asdict(session)


def show_message(message: ChatMessage) -> dict[str, Any]:
    """Return a message; `is_complete` is false for an answer that was cut short."""
    return msgspec.structs.asdict(message)


def next_cursor(rows: Sequence[ChatSession], limit: int) -> int | None:
    """Return where the next page begins, None after a page that is not full."""
    return rows[-1].id if len(rows) == limit else None


def sent_message(body: MessageBody, query: MessageQuery) -> NewMessage:
    """Return the message of a request. Raises SchemaInvalid without role or content."""
    role, content = body.role or query.role, body.content or query.content
    if role is None or content is None:
        param = "role" if role is None else "content"
        raise SchemaInvalid(f"{param} is missing.", param=param)
    return NewMessage(role=role, content=content, model=body.model, tokens=body.tokens, created_at=body.created_at)


def judged(messages: Sequence[Mapping[str, Any]]) -> tuple[list[NewMessage], list[dict[str, Any]]]:
    """Return the messages that can be kept, and of the others the place and what is wrong."""
    good: list[NewMessage] = []
    failed: list[dict[str, Any]] = []
    for index, each in enumerate(messages):
        try:
            message = msgspec.convert(each, StoredMessage)
        except msgspec.ValidationError as err:
            failed.append({"index": index, "error": str(err)})
        else:
            good.append(NewMessage(**msgspec.structs.asdict(message)))
    return good, failed


def show_found(sessions: Sequence[ChatSession], texts: Sequence[FoundText]) -> Iterator[dict[str, Any]]:
    """Yield what was found: each session with the places, excerpts as HTML whose only tags are `<mark>`."""
    for session in sessions:
        own = [text for text in texts if text.session_id == session.id]
        titles = [highlighted(text.excerpt) for text in own if text.where == "title"]
        yield {
            **show_session(session),
            "title_highlight": titles[0] if titles else None,
            "matches": [
                {"message_id": text.message_id, "role": text.role, "highlight": highlighted(text.excerpt)}
                for text in own
                if text.where == "message"
            ],
        }


def highlighted(excerpt: str) -> str:
    """Return an excerpt as HTML: escaped, what was found in `<mark>`; tags are balanced whatever the text holds."""
    head, *rest = escape(excerpt).split(_MARKS.before)
    shown = [head.replace(_MARKS.after, "")]
    for piece in rest:
        marked, is_closed, after = piece.partition(_MARKS.after)
        shown.append(f"<mark>{marked}</mark>{after.replace(_MARKS.after, '')}" if is_closed else piece)
    return "".join(shown)
