from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.sdk.quirks import FieldEditor, Quirks, QuirkTable, Range


def _edit(quirks: Quirks, body: dict[str, Any], *, stream: bool = False, asks_usage: bool = True) -> dict[str, Any]:
    editor = FieldEditor(quirks, asks_usage=asks_usage)
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in body.items()}
    edited = {name: msgspec.json.decode(value) for name, value in editor.edit(fields, stream=stream).items()}
    assert msgspec.json.decode(editor.edit_body(msgspec.json.encode(body), stream=stream)) == edited
    return edited


def test_nothing_to_edit_is_the_same_bytes() -> None:
    body = b'{ "a" : 1 }'
    assert FieldEditor(Quirks(), asks_usage=False).edit_body(body, stream=True) is body


def test_usage_is_asked_for_in_streams_only() -> None:
    assert _edit(Quirks(), {"a": 1}) == {"a": 1}
    assert _edit(Quirks(), {"a": 1}, stream=True) == {"a": 1, "stream_options": {"include_usage": True}}


def test_other_stream_options_survive() -> None:
    options = {"include_usage": False, "x": [1]}
    edited = _edit(Quirks(), {"stream_options": options}, stream=True)
    assert edited == {"stream_options": {"include_usage": True, "x": [1]}}


def test_null_stream_options_become_ours() -> None:
    assert _edit(Quirks(), {"stream_options": None}, stream=True)["stream_options"] == {"include_usage": True}


def test_stream_options_are_left_out_where_refused() -> None:
    assert _edit(Quirks(stream_options=False), {"stream_options": {}}, stream=True) == {}


def test_rename_lets_the_new_name_win() -> None:
    quirks = Quirks(rename={"max_tokens": "max_completion_tokens"})
    assert _edit(quirks, {"max_tokens": 5}) == {"max_completion_tokens": 5}
    assert _edit(quirks, {"max_tokens": 5, "max_completion_tokens": 7}) == {"max_completion_tokens": 7}


def test_drop_clamp_defaults() -> None:
    quirks = Quirks(drop=("seed",), clamp={"max_tokens": Range(min=16), "temperature": Range(max=1)}, defaults={"k": 1})
    assert _edit(quirks, {"seed": 1, "max_tokens": 2, "temperature": 1.5}) == {
        "max_tokens": 16,
        "temperature": 1,
        "k": 1,
    }
    assert _edit(quirks, {"max_tokens": None, "temperature": "hot", "k": 2}) == {
        "max_tokens": None,
        "temperature": "hot",
        "k": 2,
    }


def test_developer_becomes_system() -> None:
    messages = [{"role": "developer", "content": 'say "developer"'}, {"role": "user", "content": "x"}]
    edited = _edit(Quirks(developer_role=False), {"messages": messages})
    assert [message["role"] for message in edited["messages"]] == ["system", "user"]
    assert edited["messages"][0]["content"] == 'say "developer"'


def test_messages_that_are_no_list_are_left() -> None:
    assert _edit(Quirks(developer_role=False), {"messages": "developer"}) == {"messages": "developer"}


def test_first_fitting_pattern_wins() -> None:
    table = QuirkTable(Quirks(), {"o[0-9]*": Quirks(drop=("a",)), "o3*": Quirks(drop=("b",))}, asks_usage=False)
    raw = {"a": msgspec.Raw(b"1"), "b": msgspec.Raw(b"2")}
    assert set(table.editor("o3-mini").edit(dict(raw), stream=False)) == {"b"}
    assert set(table.editor("gpt-4o").edit(dict(raw), stream=False)) == {"a", "b"}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["messages", "max_tokens", "seed", "x", "stream_options"]), json_values))
def test_any_body_passes_and_unknown_members_survive(body: dict[str, Any]) -> None:
    quirks = Quirks(
        rename={"seed": "random_seed"}, clamp={"max_tokens": Range(min=1, max=9)}, developer_role=False, drop=("y",)
    )
    edited = _edit(quirks, body, stream=True)
    assert ("x" in edited) == ("x" in body)
    assert edited.get("x") == body.get("x")
    assert edited["stream_options"]["include_usage"] is True
