from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.conversations.history import fitting_history
from gatewayz.domain.conversations.search_query import parse_query
from gatewayz.store.conversation_records import ChatMessage, MessageRole, TextQuery

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def message(number: int, role: MessageRole, content: str = "abcd") -> ChatMessage:
    return ChatMessage(
        id=number,
        session_id=1,
        role=role,
        content=content,
        model=None,
        tokens=None,
        is_complete=True,
        request_id=None,
        created_at=NOW,
    )


TALK = [message(1, "user"), message(2, "assistant"), message(3, "user"), message(4, "assistant")]


@pytest.mark.parametrize(
    ("room", "kept"),
    [(100, [1, 2, 3, 4]), (20, [1, 2, 3, 4]), (19, [3, 4]), (10, [3, 4]), (9, []), (0, []), (-5, [])],
)
def test_the_oldest_turns_go_first_and_no_answer_without_its_question(room: int, kept: list[int]) -> None:
    assert [each.id for each in fitting_history(TALK, room)] == kept


def test_system_messages_stay_and_take_their_room() -> None:
    talk = [message(0, "system"), *TALK]
    assert [each.id for each in fitting_history(talk, 15)] == [0, 3, 4]


@given(
    sizes=st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.integers(0, 200)), max_size=20),
    room=st.integers(-10, 600),
)
def test_what_is_kept_is_the_end_of_the_conversation(sizes: list[tuple[MessageRole, int]], room: int) -> None:
    talk = [message(n, role, "x" * size) for n, (role, size) in enumerate(sizes)]
    kept = [each for each in fitting_history(talk, room) if each.role != "system"]
    said = [each for each in talk if each.role != "system"]
    assert kept == said[len(said) - len(kept) :]
    assert not kept or kept[0].role == "user"
    assert sum(-(-len(each.content) // 4) + 4 for each in kept) <= max(room, 0)


@pytest.mark.parametrize(
    ("text", "terms", "is_open"),
    [
        ("blue whale", ("blue", "whale"), True),
        ('"blue whale" song', ("blue whale", "song"), True),
        ('song "blue whale"', ("song", "blue whale"), False),
        ('open "phrase', ("open", "phrase"), True),
        ("a & !b | (c)", ("a", "!b", "(c)"), True),
        ("nul\0here", ("nul", "here"), True),
    ],
)
def test_a_query_is_words_and_phrases(text: str, terms: tuple[str, ...], is_open: bool) -> None:
    assert parse_query(text) == TextQuery(terms=terms, is_open=is_open)


@pytest.mark.parametrize("text", ["", "   ", '""', "?!", '"...'])
def test_without_a_letter_or_digit_there_is_no_query(text: str) -> None:
    assert parse_query(text) is None
