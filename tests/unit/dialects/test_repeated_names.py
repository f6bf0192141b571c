"""Objects that give a name twice are found, and no others."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.repeated_names import repeated_anywhere, repeated_member

values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(codec="utf-8"), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=4), values, max_size=5)
spacings = st.sampled_from([(",", ":"), (", ", ": "), (" ,\n ", ":\t")])


def members(body: bytes) -> dict[str, msgspec.Raw]:
    return msgspec.json.decode(body, type=dict[str, msgspec.Raw])


@given(objects, spacings, st.booleans())
def test_an_honest_object_has_none(value: dict[str, Any], spacing: tuple[str, str], ascii_only: bool) -> None:
    body = json.dumps(value, separators=spacing, ensure_ascii=ascii_only).encode()
    assert repeated_member(body, members(body)) is None
    assert repeated_anywhere(body) is None


@given(objects.filter(bool), spacings, st.booleans(), st.data())
def test_a_repeated_member_is_named(
    value: dict[str, Any], spacing: tuple[str, str], ascii_only: bool, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(value)))
    again = json.dumps({name: data.draw(values)}, separators=spacing, ensure_ascii=ascii_only)
    whole = json.dumps(value, separators=spacing, ensure_ascii=ascii_only)
    body = f"{whole[:-1]}{spacing[0]}{again[1:]}".encode()
    assert repeated_member(body, members(body)) == name
    assert repeated_anywhere(body) == name


@pytest.mark.parametrize("body", [b'{"a":1,"\\u0061":2}', b'{ "a":1,"a" :2}', b'{"a":{"b":1},"a":{"b":1}}'])
def test_spellings_of_one_name_are_one(body: bytes) -> None:
    assert repeated_member(body, members(body)) == repeated_anywhere(body) == "a"


def test_inner_names_are_found_where_all_are_looked_at() -> None:
    body = b'{"a":[{"b":1,"b":2}]}'
    assert repeated_member(body, members(body)) is None
    assert repeated_anywhere(body) == "b"
