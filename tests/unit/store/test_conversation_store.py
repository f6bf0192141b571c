from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gatewayz.domain.conversations.search_query import parse_query
from gatewayz.store.conversation_records import (
    ChatSession,
    ChatTotals,
    FoundText,
    NewMessage,
    SessionChanges,
    TextQuery,
)
from gatewayz.store.records import NewUser
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
    page, total = listed
    assert ([each.content for each in page], total) == (["d", "e"], 5)
    older = await store.conversations.list_messages(user_id, session.id, before=page[0].id, limit=9)
    assert older is not None and [each.content for each in older[0]] == ["a", "b", "c"]


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
