import pytest

from gatewayz.telemetry.redact import redact


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("key gw_live_" + "a" * 43 + " refused", "key gw_live_*** refused"),
        ("sk-proj-ABCDEFGHIJKLMNOPQRST", "sk-***"),
        ("Authorization: Bearer abcdefghijklmnop", "Authorization: Bearer ***"),
        ("postgresql://user:s3cret@db/x", "postgresql://user:***@db/x"),
        ("AIza" + "x" * 35, "AIza***"),
        ("nothing to hide: task-force risk-free", "nothing to hide: task-force risk-free"),
    ],
)
def test_credentials_never_leave(text: str, clean: str) -> None:
    assert redact(text) == clean
