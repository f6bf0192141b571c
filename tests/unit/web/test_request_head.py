import pytest

from gatewayz.web.request_head import new_request_id, read_head


def test_bearer_wins_over_the_other_header() -> None:
    head = read_head([(b"x-api-key", b"two"), (b"authorization", b"Bearer one")])
    assert head.credential == b"one"
    assert read_head([(b"x-api-key", b" two ")]).credential == b"two"
    assert read_head([(b"authorization", b"Basic abc")]).credential is None
    assert read_head([(b"authorization", b"bearer  spaced ")]).credential == b"spaced"


@pytest.mark.parametrize(
    ("sent", "used"),
    [
        (b"req_abc", "req_abc"),
        (b"abc-1.2_3", "req_abc-1.2_3"),
        (b"a b", None),
        (b"x" * 129, None),
        (b"", None),
        (b"line\nbreak", None),
        ("café".encode(), None),
    ],
)
def test_a_usable_request_id_is_kept_and_any_other_replaced(sent: bytes, used: str | None) -> None:
    for name in (b"x-request-id", b"x-correlation-id"):
        head = read_head([(name, sent)])
        assert head.is_caller_id == (used is not None and name == b"x-request-id")
        assert head.request_id == used or (used is None and len(head.request_id) == len("req_") + 12)


def test_calls_of_one_correlation_are_booked_apart() -> None:
    one, two = (read_head([(b"x-correlation-id", b"abc")]) for _ in range(2))
    assert one.request_id == two.request_id == "req_abc" and one.booking_id != two.booking_id
    assert read_head([(b"x-request-id", b"abc")]).booking_id == "req_abc"


def test_made_ids_differ() -> None:
    assert len({new_request_id() for _ in range(1000)}) == 1000


def test_only_headers_of_the_formats_are_part_of_a_call() -> None:
    head = read_head([(b"anthropic-beta", b"a"), (b"cookie", b"b"), (b"anthropic-version", b"x" * 2000)])
    assert list(head.format_headers) == [(b"anthropic-beta", b"a")]


def test_a_content_length_that_is_no_number_is_none() -> None:
    assert read_head([(b"content-length", b"12")]).content_length == 12
    assert read_head([(b"content-length", b"9" * 40)]).content_length is None
    assert read_head([(b"content-length", b"-1")]).content_length is None
