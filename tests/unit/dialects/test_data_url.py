"""Inline files as data URLs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.dialects.data_url import InlineFile, join_data_url, split_data_url


@given(st.from_regex(r"[a-z]+/[a-z.+-]+", fullmatch=True), st.from_regex(r"[A-Za-z0-9+/=]*", fullmatch=True))
def test_round_trip(media_type: str, data: str) -> None:
    assert split_data_url(join_data_url(media_type, data)) == InlineFile(media_type, data)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://e.x/a.png", None),
        ("data:text/plain,hello", None),
        ("data:image/png;base64", None),
        ("DATA:image/png;charset=x;BASE64,QQ==", InlineFile("image/png", "QQ==")),
        ("data:;base64,QQ==", InlineFile("application/octet-stream", "QQ==")),
    ],
)
def test_what_counts(url: str, found: InlineFile | None) -> None:
    assert split_data_url(url) == found


def test_unknown_media_type() -> None:
    assert join_data_url(None, "QQ==") == "data:application/octet-stream;base64,QQ=="
