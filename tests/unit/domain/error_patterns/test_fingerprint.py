import pytest

from gatewayz.domain.error_patterns.fingerprint import fingerprint, normalised
from gatewayz.domain.error_patterns.pattern import ErrorSeen


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("request req_8f3aC failed after 12.5 s", "request <id> failed after <n> s"),
        ("cannot open /var/lib/x/y.db: errno 2", "cannot open <path>: errno <n>"),
        ("GET https://user@host/v1?key=a failed", "GET <url> failed"),
        ("no mail to someone@example.com", "no mail to <mail>"),
        ("trace 4bf92f3577b34da6a3ce929d0e0e4736 ended", "trace <id> ended"),
        ("id 123e4567-e89b-12d3-a456-426614174000", "id <id>"),
        ("two\nlines  here", "two lines here"),
        ("nothing to take out", "nothing to take out"),
    ],
)
def test_what_is_of_one_request_is_taken_out(message: str, shown: str) -> None:
    assert normalised(message) == shown


def test_a_message_has_a_bound() -> None:
    assert len(normalised("ä " * 1000)) == 300


def seen(**more: object) -> ErrorSeen:
    facts = {"error_type": "X", "category": "unknown", "severity": "low", "message": "m", "provider": "p"}
    return ErrorSeen(**{**facts, **more})  # type: ignore[arg-type]


def test_alike_is_what_has_the_same_kind_and_place() -> None:
    assert fingerprint(seen()) == fingerprint(seen(severity="high"))
    others = [seen(error_type="Y"), seen(provider="q"), seen(provider=None), seen(status=401), seen(message="n")]
    assert len({fingerprint(each) for each in (seen(), *others)}) == 6
    assert len(fingerprint(seen())) == 32
