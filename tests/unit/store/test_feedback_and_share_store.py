from datetime import UTC, datetime, timedelta

import pytest

from gatewayz.store.conversation_records import NewMessage
from gatewayz.store.feedback_records import FeedbackChanges, FeedbackFilter, FeedbackTotals, NewFeedback
from gatewayz.store.records import NewUser
from gatewayz.store.share_records import NewShare
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
TOKEN = b"t" * 32


@pytest.fixture
async def user_id(store: SqlStore) -> int:
    return (await store.users.add_user(NewUser(email="a@example.com"), NOW)).id


@pytest.fixture
async def session_id(store: SqlStore, user_id: int) -> int:
    session = await store.conversations.add_session(user_id, "A talk", None, NOW)
    await store.conversations.add_messages(user_id, session.id, [NewMessage(role="user", content="hello")], NOW)
    return session.id


async def test_feedback_is_kept_changed_counted_and_forgotten(store: SqlStore, user_id: int, session_id: int) -> None:
    sent = NewFeedback(feedback_type="thumbs_up", session_id=session_id, rating=4, model="m", metadata={"a": [1, None]})
    given = await store.feedback.add(user_id, sent, NOW)
    assert (given.metadata, given.user_id, given.created_at) == ({"a": [1, None]}, user_id, NOW)
    await store.feedback.add(user_id, NewFeedback(feedback_type="regenerate"), NOW - timedelta(days=2))
    listed = await store.feedback.list_feedback(user_id, FeedbackFilter(model="m"), offset=0, limit=5)
    assert list(listed) == [given]
    assert await store.feedback.change(user_id + 1, given.id, FeedbackChanges(rating=1), LATER) is None
    changed = await store.feedback.change(user_id, given.id, FeedbackChanges(rating=None, metadata={"b": 2}), LATER)
    assert changed is not None
    assert (changed.rating, changed.metadata, changed.updated_at) == (None, {"b": 2}, LATER)
    totals = await store.feedback.totals(user_id, NOW - timedelta(days=1), None)
    assert list(totals) == [FeedbackTotals(model="m", thumbs_up=1, thumbs_down=0, regenerate=0, rated=0, rating_sum=0)]
    assert not await store.feedback.remove(user_id + 1, given.id)
    assert await store.feedback.remove(user_id, given.id)
    assert not await store.feedback.remove(user_id, given.id)


async def test_a_link_counts_its_views_until_it_ends(store: SqlStore, user_id: int, session_id: int) -> None:
    share = NewShare(session_id=session_id, user_id=user_id, token_hash=TOKEN, token_hint="tttttt", expires_at=LATER)
    made = await store.shares.add(share, NOW)
    assert made is not None and made.is_active
    shown = await store.shares.view(TOKEN, NOW, 10)
    assert shown is not None and [each.content for each in shown[1]] == ["hello"]
    (listed,) = await store.shares.list_shares(user_id, before=None, offset=0, limit=5)
    assert (listed.view_count, listed.last_viewed_at) == (0, None)
    await store.shares.count_view(TOKEN, NOW)
    (listed,) = await store.shares.list_shares(user_id, before=None, offset=0, limit=5)
    assert (listed.view_count, listed.last_viewed_at) == (1, NOW)
    assert await store.shares.view(TOKEN, LATER, 10) is None
    assert await store.shares.view(b"x" * 32, NOW, 10) is None
    assert not await store.shares.revoke(user_id + 1, made.id)
    assert await store.shares.revoke_by_token(user_id, TOKEN)
    assert not await store.shares.revoke(user_id, made.id)
    assert await store.shares.view(TOKEN, NOW, 10) is None


async def test_only_its_user_can_share_a_session(store: SqlStore, user_id: int, session_id: int) -> None:
    other = (await store.users.add_user(NewUser(email="b@example.com"), NOW)).id
    share = NewShare(session_id=session_id, user_id=other, token_hash=TOKEN, token_hint="tttttt", expires_at=None)
    assert await store.shares.add(share, NOW) is None
