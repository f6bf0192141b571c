"""What is kept of the words with which applications name themselves."""

import pytest

from gatewayz.sdk.observe import App
from gatewayz.web.calling_app import calling_app
from gatewayz.web.request_head import read_head


@pytest.mark.parametrize(
    ("title", "referrer", "app"),
    [
        (b"My App", b"https://App.example.com/chat?token=secret", App(name="My App", url="https://app.example.com")),
        (None, b"https://app.example.com:8443", App(name="app.example.com:8443", url="https://app.example.com:8443")),
        (None, b"https://user:pass@app.example.com/", App(name="app.example.com", url="https://app.example.com")),
        (b"Tool", None, App(name="Tool", url=None)),
        (b"  two\r\n\t words \x00", None, App(name="two words", url=None)),
        ("Café ☕".encode(), None, App(name="Café ☕", url=None)),
        (b"x" * 500, None, App(name="x" * 80, url=None)),
        (b"App", b"javascript:alert(1)", App(name="App", url=None)),
        (b"", b"not an address", None),
        (b" \x00 ", None, None),
        (None, None, None),
        (None, b"https://" + b"a" * 300 + b".com/", None),
    ],
)
def test_what_is_kept_is_short_and_plain(title: bytes | None, referrer: bytes | None, app: App | None) -> None:
    assert calling_app(title, referrer) == app


def test_a_head_has_the_app_only_where_the_caller_names_one() -> None:
    named = read_head([(b"x-title", b"A"), (b"http-referer", b"https://a.example/b")])
    assert (named.app_title, named.app_url) == (b"A", b"https://a.example/b")
    browser = read_head([(b"referer", b"https://a.example/b"), (b"origin", b"https://a.example")])
    assert (browser.app_title, browser.app_url) == (None, None)
