import pytest

from gatewayz.sdk.headers import HeaderSets, header_bytes
from gatewayz.sdk.secret import Secret


def test_lines_are_lower_case_and_empty_ones_left_out() -> None:
    sets = HeaderSets({"X-Title": "G", "APP-Code": ""}, {"a": Secret("k1"), "b": Secret("k2")})
    assert (b"x-title", b"G") in sets.of("a")
    assert (b"authorization", b"Bearer k2") in sets.of("b")
    assert sets.of("unknown") == sets.first == sets.of("a")
    assert not [name for name, _ in sets.first if name == b"app-code"]


def test_without_keys_nothing_is_proved() -> None:
    assert b"authorization" not in dict(HeaderSets({}, {}).first)


@pytest.mark.parametrize("headers", [{"a b": "x"}, {"": "x"}, {"a": "x\r\ny: z"}, {"a": "é"}, {"a:b": "x"}])
def test_lines_that_would_forge_others_are_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="header"):
        header_bytes(headers)
