from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayz.domain.conversations.search_query import parse_query
from gatewayz.sdk.errors import Conflict
from gatewayz.store.conversation_records import (
    ChatSession,
    ChatTotals,
    FoundText,
    KeptLimits,
    NewMessage,
    SessionChanges,
    TextQuery,
)
from gatewayz.store.records import NewUser
from gatewayz.store.share_records import NewShare
from gatewayz.store.sql.conversations import SqlConversationStore
from gatewayz.store.sql.shares import SqlShareStore
from gatewayz.store.sql.store import SqlStore

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


async def new_user(store: SqlStore, email: str = "a@example.com") -> int:
    return (await store.users.add_user(NewUser(email=email), NOW)).id


async def new_session(store: SqlStore, user_id: int, *said: str, title: str = "Untitled") -> ChatSession:
    session = await store.conversations.add_session(user_id, title, "vendor/model", NOW)
    messages = [NewMessage(role="user", content=text) for text in said]
    assert await store.conversations.add_messages(user_id, session.id, messages, NOW) is not None
    return session


def words(*terms: str, is_open: bool = True) -> TextQuery:
    return TextQuery(terms=terms, is_open=is_open)


async def found(store: SqlStore, user_id: int, query: TextQuery, **more: Any) -> tuple[list[int], list[FoundText]]:
    sessions, texts = await store.conversation_search.search(user_id, query, **{"before": None, "limit": 10, **more})
    return [each.id for each in sessions], texts


async def test_only_its_user_sees_a_session(store: SqlStore) -> None:
    mine, other = await new_user(store), await new_user(store, "b@example.com")
    session = await new_session(store, mine, "hello")
    conversations = store.conversations
    assert await conversations.find_session(mine, session.id) == session
    assert await conversations.find_session(other, session.id) is None
    assert await conversations.change_session(other, session.id, SessionChanges(title="mine"), NOW) is None
    assert not await conversations.delete_session(other, session.id, NOW)
    assert await conversations.add_messages(other, session.id, [NewMessage(role="user", content="x")], NOW) is None
    assert await conversations.list_messages(other, session.id, before=None, limit=5) is None
    assert await conversations.list_sessions(other, before=None, offset=0, limit=5) == []


async def test_a_deleted_session_is_gone_for_everything(store: SqlStore) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id, "needle")
    assert await store.conversations.delete_session(user_id, session.id, NOW)
    assert not await store.conversations.delete_session(user_id, session.id, NOW)
    assert await store.conversations.find_session(user_id, session.id) is None
    assert await store.conversations.list_messages(user_id, session.id, before=None, limit=5) is None
    assert await found(store, user_id, words("needle")) == ([], [])
    assert await store.conversations.totals(user_id) == ChatTotals(sessions=0, messages=0, tokens=0)


async def test_messages_come_in_order_the_newest_page_first(store: SqlStore) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id, *"abcde")
    listed = await store.conversations.list_messages(user_id, session.id, before=None, limit=2)
    assert listed is not None
    assert ([each.content for each in listed.messages], listed.total, listed.has_older) == (["d", "e"], 5, True)
    older = await store.conversations.list_messages(user_id, session.id, before=listed.messages[0].id, limit=3)
    assert older is not None and [each.content for each in older.messages] == ["a", "b", "c"]
    assert not older.has_older


async def test_no_more_text_is_read_than_at_once_but_one_message_always(store: SqlStore) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id, "a" * 50, "bb", "ccc", "d" * 6)
    bounded = SqlConversationStore(store.conversations._database, KeptLimits(read_characters=9))
    newest = await bounded.list_messages(user_id, session.id, before=None, limit=9)
    assert newest is not None and [each.content for each in newest.messages] == ["ccc", "d" * 6]
    assert (newest.total, newest.characters, newest.has_older) == (4, 61, True)
    older = await bounded.list_messages(user_id, session.id, before=newest.messages[0].id, limit=9)
    assert older is not None and [each.content for each in older.messages] == ["bb"]
    oldest = await bounded.list_messages(user_id, session.id, before=older.messages[0].id, limit=9)
    assert oldest is not None and [each.content for each in oldest.messages] == ["a" * 50] and not oldest.has_older
    share = NewShare(session_id=session.id, user_id=user_id, token_hash=b"t" * 32, token_hint="t", expires_at=None)
    await store.shares.add(share, NOW)
    shown = await SqlShareStore(bounded._database, KeptLimits(read_characters=52)).view(b"t" * 32, NOW, 9)
    assert shown is not None and [each.content for each in shown[1]] == ["a" * 50, "bb"]


async def test_a_full_session_takes_nothing_more_and_keeps_what_it_has(store: SqlStore) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id, "four")
    bounded = SqlConversationStore(store.conversations._database, KeptLimits(messages=3, characters=10))
    for refused in (["1234567"], ["1", "2", "3"]):
        with pytest.raises(Conflict) as told:
            messages = [NewMessage(role="user", content=text) for text in refused]
            await bounded.add_messages(user_id, session.id, messages, LATER)
        assert told.value.code == "SESSION_FULL"
    assert await store.conversations.find_session(user_id, session.id) == session, "nothing of it has changed"
    assert await bounded.add_messages(user_id, session.id, [NewMessage(role="user", content="123456")], NOW)


async def test_a_user_keeps_so_many_sessions(store: SqlStore) -> None:
    user_id, other = await new_user(store), await new_user(store, "b@example.com")
    bounded = SqlConversationStore(store.conversations._database, KeptLimits(sessions=2))
    first = await bounded.add_session(user_id, "a", None, NOW)
    await bounded.add_session(user_id, "b", None, NOW)
    with pytest.raises(Conflict) as told:
        await bounded.add_session(user_id, "c", None, NOW)
    assert told.value.code == "TOO_MANY_SESSIONS"
    await bounded.add_session(other, "c", None, NOW)
    await bounded.delete_session(user_id, first.id, NOW)
    await bounded.add_session(user_id, "c", None, NOW)


async def test_changes_keep_the_rest_and_move_the_time(store: SqlStore) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id)
    changed = await store.conversations.change_session(user_id, session.id, SessionChanges(title="New"), LATER)
    assert changed is not None
    assert (changed.title, changed.model, changed.updated_at) == ("New", "vendor/model", LATER)


async def test_unknown_tokens_count_nothing(store: SqlStore) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id, "a")
    known = [NewMessage(role="assistant", content="b", tokens=7)]
    await store.conversations.add_messages(user_id, session.id, known, NOW)
    assert await store.conversations.totals(user_id) == ChatTotals(sessions=1, messages=2, tokens=7)


async def test_words_phrases_and_beginnings_are_found(store: SqlStore) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id, "The quick brown fox", "jumps over Élan vital")
    for query in (
        words("fox"),
        words("FOX"),
        words("bro"),
        words("fox", "quick"),
        words("quick brown", is_open=False),
        words("élan"),
    ):
        assert (await found(store, user_id, query))[0] == [session.id], query
    for query in (words("bro", is_open=False), words("brown quick"), words("fox", "jumps"), words("own")):
        assert (await found(store, user_id, query))[0] == [], query


async def test_excerpts_mark_what_was_found(store: SqlStore) -> None:
    user_id = await new_user(store)
    long = "word " * 500 + "needle" + " word" * 500
    session = await new_session(store, user_id, "a needle", "nothing", long, title="The needle case")
    _, texts = await found(store, user_id, words("needle"))
    assert [(each.where, each.session_id) for each in texts] == [("title", session.id), *[("message", session.id)] * 2]
    assert all("\x02needle\x03" in each.excerpt and len(each.excerpt) < 300 for each in texts)


async def test_a_changed_title_is_found_by_its_new_words_only(store: SqlStore) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id, title="apples")
    await store.conversations.change_session(user_id, session.id, SessionChanges(title="pears"), NOW)
    assert (await found(store, user_id, words("apples")))[0] == []
    assert (await found(store, user_id, words("pears")))[0] == [session.id]


async def test_search_goes_on_from_a_session(store: SqlStore) -> None:
    user_id, other = await new_user(store), await new_user(store, "b@example.com")
    ids = [(await new_session(store, user_id, "needle")).id for _ in range(3)]
    await new_session(store, other, "needle")
    assert (await found(store, user_id, words("needle"), limit=2))[0] == [ids[2], ids[1]]
    assert (await found(store, user_id, words("needle"), limit=2, before=ids[1]))[0] == [ids[0]]


@pytest.mark.parametrize(
    "text", ['a"b', "a'b", "a\\", "NEAR(a b)", "a OR b", "-a", "a:b", "a*", "a & !b", "a\0b", '"a b', "^a", "{a}: b"]
)
async def test_nothing_that_is_typed_is_an_operator(store: SqlStore, text: str) -> None:
    user_id = await new_user(store)
    session = await new_session(store, user_id, f"before {text.replace(chr(0), ' ')} after")
    other = parse_query(f"unheard {text}")
    same = parse_query(f"before {text}")
    assert same is not None and (await found(store, user_id, same))[0] == [session.id]
    assert other is not None and (await found(store, user_id, other))[0] == []


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=200))
async def test_no_text_breaks_the_search(store: SqlStore, text: str) -> None:
    query = parse_query(text)
    if query is not None:
        await found(store, 1, query)
