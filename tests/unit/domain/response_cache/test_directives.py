import pytest

from gatewayz.domain.response_cache.directives import Directives, read_directives


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (b"", Directives()),
        (b"no-transform, only-if-cached", Directives()),
        (b"No-Cache", Directives(may_find=False)),
        (b"max-age=30, no-store", Directives(may_find=False, may_keep=False, max_age_s=30)),
        (b'max-age="5"', Directives(max_age_s=5)),
        (b"max-age=soon, max-age", Directives()),
        (b"max-age=" + b"9" * 40, Directives(max_age_s=999_999_999)),
    ],
)
def test_what_a_header_asks(header: bytes, wanted: Directives) -> None:
    assert read_directives(header) == wanted
