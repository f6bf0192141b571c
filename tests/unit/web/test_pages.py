"""Answers kept as bytes."""

import gzip
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from quart import Quart

from gatewayz.web.pages import KEEPING_BYTES, Page, PageCache, answer_page, make_page, tag_of

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
LONG = b'{"text": "' + b"same " * 40_000 + b'"}'


class Content(msgspec.Struct):
    text: str
    timestamp: str = ""


def page_of(body: bytes) -> Page:
    return Page(body, tag_of(body))


def test_the_tag_is_that_of_the_content_without_the_time() -> None:
    page, later = make_page(Content("a"), NOW), make_page(Content("a"), NOW + timedelta(days=1))
    assert page.etag == later.etag != make_page(Content("b"), NOW).etag
    assert msgspec.json.decode(page.body) == {"text": "a", "timestamp": "2026-11-25T12:00:00Z"}


def test_a_page_is_made_once_for_each_version() -> None:
    made: list[int] = []
    cache = PageCache(100_000)

    def make() -> Page:
        made.append(len(made))
        return page_of(b"x" * 10)

    first, was_kept = cache.page("a", 1, make)
    assert not was_kept
    assert cache.page("a", 1, make) == (first, True) and made == [0]
    assert cache.page("a", 2, make)[1] is False and cache.page("b", 2, make)[1] is False
    assert made == [0, 1, 2]


def test_the_pages_asked_for_longest_ago_make_room() -> None:
    cache = PageCache(2 * KEEPING_BYTES + 25)
    for key in ("a", "b"):
        cache.page(key, 1, lambda: page_of(b"x" * 10))
    assert cache.page("a", 1, lambda: page_of(b""))[1]
    cache.page("c", 1, lambda: page_of(b"x" * 10))
    assert cache.page("a", 1, lambda: page_of(b"x" * 10))[1] and not cache.page("b", 1, lambda: page_of(b"x" * 10))[1]
    cache.page("huge", 1, lambda: page_of(b"x" * 9000))
    assert not cache.page("huge", 1, lambda: page_of(b"x" * 9000))[1], "what has no room is not kept"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("gzip", "gzip"),
        ("br, GZIP;q=0.5", "gzip"),
        ("*", "gzip"),
        ("*;q=0.1, gzip;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=x", None),
        ("br", None),
        ("", None),
    ],
)
async def test_compressed_where_it_may_be(accepted: str, coding: str | None) -> None:
    async with Quart("test").test_request_context("/", headers={"accept-encoding": accepted}):
        answer = await answer_page(page_of(LONG), is_hit=True)
    body = await answer.get_data(as_text=False)
    assert answer.headers.get("content-encoding") == coding and answer.headers["x-cache"] == "HIT"
    assert (gzip.decompress(body) if coding else body) == LONG
    assert answer.headers["content-length"] == str(len(body)) and answer.headers["vary"] == "accept-encoding"


async def test_short_answers_are_sent_as_they_are() -> None:
    async with Quart("test").test_request_context("/", headers={"accept-encoding": "gzip"}):
        answer = await answer_page(page_of(b"{}"), is_hit=False)
    assert "content-encoding" not in answer.headers and answer.headers["x-cache"] == "MISS"


@pytest.mark.parametrize(
    ("known", "status"),
    [("TAG", 304), ('"a", TAG', 304), ("*", 304), ("STRONG", 304), ('"a"', 200), ("", 200)],
)
async def test_who_has_it_is_sent_nothing(known: str, status: int) -> None:
    page = page_of(LONG)
    header = known.replace("TAG", page.etag).replace("STRONG", page.etag.removeprefix("W/"))
    async with Quart("test").test_request_context("/", headers={"if-none-match": header}):
        answer = await answer_page(page, is_hit=True)
    assert answer.status_code == status and answer.headers["etag"] == page.etag
    if status == 304:
        assert await answer.get_data(as_text=False) == b"" and "content-type" not in answer.headers
