"""A call that goes on from a session: its history in front, its turn kept. Other calls never see this file.

Source: spec 01 §1.6; docs/decisions/0166-turns-of-calls.md.
"""

import logging
from typing import Any, Final
from urllib.parse import parse_qs

import msgspec

from gatewayz.dialects.turns import TURNS, Said, Turns
from gatewayz.domain.conversations.conversations import Conversations, check_room, session_missing
from gatewayz.domain.conversations.history import fitting_history
from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.edition import Edition
from gatewayz.flow.guard import guarded
from gatewayz.flow.relay import StreamBody
from gatewayz.flow.values import Inbound, ParsedCall
from gatewayz.sdk.errors import AuthenticationFailed, Conflict, InvalidRequest, ResourceNotFound, StoreUnavailable
from gatewayz.sdk.usage import Usage
from gatewayz.store.conversation_records import NewMessage

__all__ = ["KeptStream", "Turn", "begin_turn", "is_in_session", "room_left", "session_of_query"]

_log = logging.getLogger("gatewayz.flow")
_LARGEST_ID: Final = 2**53
_LOADED_MESSAGES: Final = 1_000
"""The newest ones of a session: more fill no context that is not made of single words."""
_UNKNOWN_CONTEXT: Final = 8_192
"""Tokens that a model of unknown context is taken to hold."""


def session_of_query(query: bytes) -> str | None:
    """Return the `session_id` of a query string."""
    named = parse_qs(query.decode("latin-1"), keep_blank_values=True).get("session_id")
    return named[-1] if named else None


def is_in_session(call: ParsedCall, inbound: Inbound) -> bool:
    """Return whether a call names a session, in its body or its query."""
    return inbound.session_id is not None or "session_id" in call.head.extensions


class Turn:
    """One question with its answer, in a session of its caller's.

    :param asked: what the user said, kept with the answer.
    """

    def __init__(
        self, inbound: Inbound, session_id: int, user_id: int, asked: list[str], conversations: Conversations
    ) -> None:
        self.inbound = inbound
        """The call with the session's history in front."""
        self.facts: dict[bytes, bytes] = {}
        """Headers that tell how much of the history was sent."""
        self.turns: Turns = TURNS[inbound.format]
        self._session_id = session_id
        self._user_id = user_id
        self._asked = asked
        self._conversations = conversations

    async def keep_whole(self, body: bytes, model: str) -> None:
        """Keep the turn of a whole answer."""
        usage: Any = msgspec.json.decode(body).get("usage") or {}
        tokens = usage.get("completion_tokens", usage.get("output_tokens"))
        await self.keep(self.turns.answered(body), model, tokens if isinstance(tokens, int) else None)

    async def keep(self, answer: str, model: str, tokens: int | None, *, is_complete: bool = True) -> None:
        """Keep the turn; a store that is away costs the turn, not the answer."""
        request_id = self.inbound.request_id
        messages = [NewMessage(role="user", content=text, request_id=request_id) for text in self._asked]
        if answer:
            messages.append(
                NewMessage(
                    role="assistant",
                    content=answer,
                    model=model,
                    tokens=tokens,
                    is_complete=is_complete,
                    request_id=request_id,
                )
            )
        try:
            await self._conversations.add_messages(self._user_id, self._session_id, messages)
        except (StoreUnavailable, ResourceNotFound, Conflict) as err:  # deleted, or filled, while it was answered
            _log.warning("the turn of %s was not kept: %s", request_id, err.message)


class KeptStream(StreamBody):
    """A stream whose turn is kept: before its last events are given out, or when it is cut short."""

    def __init__(self, turn: Turn, model: str, *of_stream: Any) -> None:
        super().__init__(*of_stream)
        self._turn = turn
        self._model = model
        self._said: list[str] = []
        self._is_kept = False

    async def __anext__(self) -> bytes:
        """Return the next whole events. See `StreamBody.__anext__`."""
        block = await super().__anext__()
        self._said.append(self._turn.turns.delivered(block))
        if self._is_over and not self._is_kept:
            self._is_kept = True
            await self._keep()
        return block

    async def aclose(self) -> None:
        """Let go; what was delivered is kept in the background."""
        if not self._is_kept:
            self._is_kept = True
            self._edition.background.spawn(self._keep())
        await super().aclose()

    async def _keep(self) -> None:
        usage: Usage | None = self._stream.usage if self.has_ended_well else None
        tokens = None if usage is None else usage.completion_tokens
        if self.has_ended_well or any(self._said):
            await self._turn.keep("".join(self._said), self._model, tokens, is_complete=self.has_ended_well)


async def begin_turn(call: ParsedCall, inbound: Inbound, caller: Caller, edition: Edition) -> Turn:
    """Return the turn of a call that names a session.

    Raises InvalidRequest for a format without sessions, AuthenticationFailed for a caller without a key,
    ResourceNotFound for a session that is not the caller's, Conflict for a full one, StoreUnavailable.
    """
    if inbound.format not in TURNS:
        raise InvalidRequest("session_id goes with chat completions and messages only.", param="session_id")
    if caller.user_id is None:
        raise AuthenticationFailed("Chat sessions need an API key.", code="API_KEY_MISSING")
    conversations = edition.conversations
    if conversations is None:
        raise session_missing()
    session_id = _session_id(call, inbound)
    page = await conversations.list_messages(caller.user_id, session_id, limit=_LOADED_MESSAGES)
    history = fitting_history(page.messages, room_left(call))
    turns = TURNS[inbound.format]
    body = turns.with_history(inbound.body, [Said(role=each.role, content=each.content) for each in history])
    asked = turns.asked(bytes(call.head.fields["messages"]))
    check_room(page, asked)
    grown = msgspec.structs.replace(inbound, body=body, session_id=None)
    if edition.guardrails:  # what the session holds was kept unread, or before they were there
        grown = await guarded(grown, caller, edition)
    turn = Turn(grown, session_id, caller.user_id, asked, conversations)
    turn.facts = {
        b"x-session-id": b"%d" % session_id,
        b"x-session-history": b"%d" % len(history),
        b"x-session-history-dropped": b"%d" % (page.total - len(history)),
    }
    return turn


def _session_id(call: ParsedCall, inbound: Inbound) -> int:
    """Return the session that is named. Raises InvalidRequest, ResourceNotFound for what no session can be."""
    named = {str(each) for each in (inbound.session_id, call.head.extensions.get("session_id")) if each is not None}
    if len(named) > 1:
        raise InvalidRequest("Query and body name different sessions.", param="session_id")
    (text,) = named
    if not (text.isascii() and text.isdigit()):
        raise InvalidRequest("session_id is the number of a chat session.", param="session_id")
    if len(text) > 16 or not 0 < int(text) < _LARGEST_ID:
        raise session_missing()
    return int(text)


def room_left(call: ParsedCall) -> int:
    """Return the tokens left in the smallest context beside the call's own prompt and its answer."""
    model, asked = call.model, call.head.max_output_tokens
    contexts = [offer.context_length or model.context_length for offer in model.offers]
    context = min((each for each in contexts if each), default=_UNKNOWN_CONTEXT)
    answer = min(model.default_output_tokens, context // 4) if asked is None else asked
    return context - answer - call.prompt_tokens
