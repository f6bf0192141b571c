import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.sdk.errors import InvalidRequest
from gatewayz.web.json_depth import check_json_depth


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max((depth_of(member) for member in value.values()), default=0)
    if isinstance(value, list):
        return 1 + max((depth_of(member) for member in value), default=0)
    return 0


JSON = st.recursive(
    st.one_of(st.none(), st.text(alphabet='[]{}"\\\\ab', max_size=12)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text("[]{a", max_size=4), inner, max_size=4)
    ),
    max_leaves=30,
)


@given(JSON, st.integers(1, 6))
def test_exactly_what_is_deeper_than_the_limit_is_refused(value: object, limit: int) -> None:
    body = msgspec.json.encode(value)
    if depth_of(value) > limit:
        with pytest.raises(InvalidRequest):
            check_json_depth(body, limit)
    else:
        check_json_depth(body, limit)


@pytest.mark.parametrize("body", [b"[" * 10_000, b"{" * 200, b'{"a":' * 200 + b"1" + b"}" * 200])
def test_deep_bodies_are_refused_whether_or_not_they_are_json(body: bytes) -> None:
    with pytest.raises(InvalidRequest):
        check_json_depth(body, 128)


def test_text_full_of_brackets_is_not_deep() -> None:
    check_json_depth(msgspec.json.encode({"content": "[" * 5000 + '"' + "{" * 5000}), 128)
