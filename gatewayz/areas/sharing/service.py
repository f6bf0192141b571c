"""Links as their makers and their readers see them. Source: spec 01 §8 (cases 3.7.*)."""

from collections.abc import Sequence
from typing import Any

from gatewayz.store.conversation_records import ChatMessage, ChatSession
from gatewayz.store.share_records import Share

__all__ = ["show_share", "show_shared"]


def show_share(share: Share, token: str | None = None) -> dict[str, Any]:
    """Return a link. Its token is known when it is made and never again: afterwards null, beside its beginning."""
    return {
        "id": share.id,
        "session_id": share.session_id,
        "share_token": token,
        "token": token,
        "token_hint": share.token_hint,
        "share_url": None if token is None else f"/share/{token}",
        "created_by_user_id": share.user_id,
        "created_at": share.created_at,
        "expires_at": share.expires_at,
        "view_count": share.view_count,
        "last_viewed_at": share.last_viewed_at,
        "is_active": share.is_active,
    }


def show_shared(session: ChatSession, messages: Sequence[ChatMessage]) -> dict[str, Any]:
    """Return what a link shows: the conversation, and nothing of whose it is."""
    return {
        "session_id": session.id,
        "title": session.title,
        "model": session.model,
        "created_at": session.created_at,
        "messages": [
            {"role": each.role, "content": each.content, "model": each.model, "created_at": each.created_at}
            for each in messages
        ],
    }
