"""Arguments between JSON text and object: byte for byte, or whole."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.tool_arguments import arguments_object, arguments_text, result_object


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.none(), max_size=4))
def test_objects_pass_byte_for_byte(value: Any) -> None:
    text = msgspec.json.format(msgspec.json.encode(value)).decode()
    assert bytes(arguments_object(text)).decode() == text
    assert arguments_text(arguments_object(text)) == text


@pytest.mark.parametrize("text", ['{"a":', "5", "[1]", '"x"', "null", "1e400", "[" * 5000])
def test_what_is_no_object_goes_whole(text: str) -> None:
    assert msgspec.json.decode(arguments_object(text)) == {"arguments": text}
    assert result_object(text) is None


@pytest.mark.parametrize("text", ["", " \n"])
def test_none_are_an_empty_object(text: str) -> None:
    assert bytes(arguments_object(text)) == b"{}"


@pytest.mark.parametrize("raw", [b"", b"null"])
def test_missing_arguments_are_an_empty_object(raw: bytes) -> None:
    assert arguments_text(msgspec.Raw(raw)) == "{}"


def test_results_that_are_objects() -> None:
    found = result_object(' {"a": 1.0}')
    assert found is not None
    assert bytes(found) == b' {"a": 1.0}'
