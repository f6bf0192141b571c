"""Sound that comes as text."""

import pytest

from gatewayz.web import audio_texts
from gatewayz.web.audio_texts import unquoted_pieces


@pytest.mark.parametrize("size", [3, 4, 5, 7, 100])
def test_no_escape_is_cut_in_two(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio_texts, "BLOCK_BYTES", size)
    assert b"".join(unquoted_pieces(b"ab%2Bc%2F%2F+d%3D%3D")) == b"ab+c// d=="
    assert b"".join(unquoted_pieces(b"abcd%2")) == b"abcd%2"
    assert list(unquoted_pieces(b"")) == []
