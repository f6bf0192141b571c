"""The rules of feedback. Source: spec 01 §7."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

import msgspec

from gatewayz.domain.conversations.conversations import Conversations
from gatewayz.sdk.clock import Clock
from gatewayz.sdk.errors import ResourceNotFound, StoreUnavailable
from gatewayz.sdk.outcomes import Opinion
from gatewayz.store.feedback_records import Feedback, FeedbackChanges, FeedbackFilter, FeedbackTotals, NewFeedback

__all__ = ["FeedbackStore", "Feedbacks", "HearsOpinions"]

_log = logging.getLogger("gatewayz.feedback")


class HearsOpinions(Protocol):
    """Hears of feedback on an answer whose request is known: given, changed or taken back."""

    @property
    def is_listening(self) -> bool:
        """False while nobody would make something of it."""
        ...

    def hear_opinion(self, opinion: Opinion) -> None:
        """Hear of it. Quick, never raises."""
        ...


class FeedbackStore(Protocol):
    """What is needed of the store. Every method raises StoreUnavailable."""

    async def add(self, user_id: int, feedback: NewFeedback, now: datetime) -> Feedback:
        """Keep feedback."""
        ...

    async def list_feedback(
        self, user_id: int, filter: FeedbackFilter, *, offset: int, limit: int
    ) -> Sequence[Feedback]:
        """Return a user's feedback, newest first."""
        ...

    async def change(self, user_id: int, feedback_id: int, changes: FeedbackChanges, now: datetime) -> Feedback | None:
        """Change a user's feedback, None when there is none."""
        ...

    async def remove(self, user_id: int, feedback_id: int) -> Feedback | None:
        """Forget a user's feedback and return it, None when there is none."""
        ...

    async def totals(self, user_id: int, since: datetime, model: str | None) -> Sequence[FeedbackTotals]:
        """Return figures by model, those with most feedback first."""
        ...


class Feedbacks:
    """The service. Feedback of others is as if it were not there.

    :param listener: returns who hears of it, in this process.
    """

    def __init__(
        self,
        store: FeedbackStore,
        conversations: Conversations,
        clock: Clock,
        listener: Callable[[], HearsOpinions],
    ) -> None:
        self._store = store
        self._conversations = conversations
        self._clock = clock
        self._listener = listener

    async def give(self, user_id: int, feedback: NewFeedback) -> Feedback:
        """Keep feedback; of a message it is about that message's model and session.

        Raises ResourceNotFound for a session or message that is not the user's.
        """
        feedback = await self._about(user_id, feedback)
        given = await self._store.add(user_id, feedback, self._clock.now())
        await self._tell(given, is_content=given.feedback_type == "thumbs_up")
        return given

    async def change(self, user_id: int, feedback_id: int, changes: FeedbackChanges) -> Feedback:
        """Change feedback. Raises ResourceNotFound."""
        changed = await self._store.change(user_id, feedback_id, changes, self._clock.now())
        if changed is None:
            raise _missing()
        await self._tell(changed, is_content=changed.feedback_type == "thumbs_up")
        return changed

    async def take_back(self, user_id: int, feedback_id: int) -> None:
        """Forget feedback. Raises ResourceNotFound."""
        removed = await self._store.remove(user_id, feedback_id)
        if removed is None:
            raise _missing()
        await self._tell(removed, is_content=None)

    async def list_feedback(
        self, user_id: int, filter: FeedbackFilter, *, offset: int, limit: int
    ) -> Sequence[Feedback]:
        """Return feedback, newest first."""
        return await self._store.list_feedback(user_id, filter, offset=offset, limit=limit)

    async def list_of_session(
        self, user_id: int, session_id: int, *, before: int | None, offset: int, limit: int
    ) -> Sequence[Feedback]:
        """Return the feedback on a session, newest first. Raises ResourceNotFound."""
        await self._conversations.find(user_id, session_id)
        wanted = FeedbackFilter(session_id=session_id, before=before)
        return await self._store.list_feedback(user_id, wanted, offset=offset, limit=limit)

    async def totals(self, user_id: int, days: int, model: str | None) -> Sequence[FeedbackTotals]:
        """Return figures of the last days by model, those with most feedback first."""
        return await self._store.totals(user_id, self._clock.now() - timedelta(days=days), model)

    async def _about(self, user_id: int, feedback: NewFeedback) -> NewFeedback:
        if feedback.session_id is not None:
            await self._conversations.find(user_id, feedback.session_id)
        if feedback.message_id is None:
            return feedback
        message = await self._conversations.find_message(user_id, feedback.message_id)
        if message is None or feedback.session_id not in (None, message.session_id):
            raise ResourceNotFound("There is no such message.", code="MESSAGE_NOT_FOUND", param="message_id")
        model = feedback.model or message.model
        return msgspec.structs.replace(feedback, session_id=message.session_id, model=model)

    async def _tell(self, feedback: Feedback, *, is_content: bool | None) -> None:
        """Tell the listeners, if it is known which call the feedback is about."""
        listener = self._listener()
        if not listener.is_listening:
            return
        try:
            request_id = await self._request_id(feedback)
        except StoreUnavailable as err:  # the feedback is kept, which is what was asked for
            _log.warning("feedback %d was not told to routers: %s", feedback.id, err.message)
            return
        if request_id is None:
            return
        listener.hear_opinion(Opinion(request_id=request_id, user_id=feedback.user_id, is_content=is_content))

    async def _request_id(self, feedback: Feedback) -> str | None:
        """Return the call that the message came from, or the one that the metadata names."""
        if feedback.message_id is not None:
            message = await self._conversations.find_message(feedback.user_id, feedback.message_id)
            return None if message is None else message.request_id
        named = (feedback.metadata or {}).get("request_id")
        return named if isinstance(named, str) else None


def _missing() -> ResourceNotFound:
    return ResourceNotFound("There is no such feedback.", code="FEEDBACK_NOT_FOUND", param="feedback_id")
