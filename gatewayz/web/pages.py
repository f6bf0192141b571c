"""Answers that many ask for, kept as bytes: with a tag, compressed once, marked as a hit or a miss.

Source: spec 02 (25.11); RFC 9110 §13.1.2 for If-None-Match.
"""

import asyncio
import gzip
from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import msgspec
from quart import Response, request

__all__ = ["KEEPING_BYTES", "Page", "PageCache", "answer_page", "make_page", "tag_of"]

_COMPRESS_BYTES: Final = 1024
"""Smaller answers are not worth it."""
_IN_THREAD_BYTES: Final = 64 * 1024
"""Larger ones would hold up others while they are compressed."""
_LEVEL: Final = 1
KEEPING_BYTES: Final = 2048
"""What a page takes beside its body: its query, its tag, its place."""


class Page:
    """An encoded answer and the tag that changes when its content does."""

    __slots__ = ("_compressed", "body", "etag")

    def __init__(self, body: bytes, etag: str) -> None:
        self.body = body
        self.etag = etag
        self._compressed: bytes | None = None

    async def compressed(self) -> bytes | None:
        """Return the body in gzip, None where that saves nothing."""
        if self._compressed is None and len(self.body) >= _COMPRESS_BYTES:
            if len(self.body) >= _IN_THREAD_BYTES:
                self._compressed = await asyncio.to_thread(_compress, self.body)
            else:
                self._compressed = _compress(self.body)
        return self._compressed


class PageCache:
    """The pages asked for last, within a number of bytes.

    :param max_bytes: of all pages, plain, each with what keeping it takes; compressed copies come on top.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._pages: OrderedDict[Hashable, tuple[int, Page]] = OrderedDict()

    def page(self, key: Hashable, version: int, make: Callable[[], Page]) -> tuple[Page, bool]:
        """Return the page of a key, made anew unless it was kept at this version; and whether it was."""
        kept = self._pages.get(key)
        if kept is not None and kept[0] == version:
            self._pages.move_to_end(key)
            return kept[1], True
        page = make()
        if kept is not None:
            self._bytes -= _taken(self._pages.pop(key)[1])
        self._pages[key] = (version, page)
        self._bytes += _taken(page)
        while self._bytes > self._max_bytes:
            _, (_, oldest) = self._pages.popitem(last=False)
            self._bytes -= _taken(oldest)
        return page, False


def _taken(page: Page) -> int:
    return len(page.body) + KEEPING_BYTES


def make_page(value: Any, now: datetime) -> Page:
    """Return a struct with a `timestamp` as a page; its tag is that of everything but the time."""
    content = msgspec.json.encode(msgspec.structs.replace(value, timestamp=""))
    body = msgspec.json.encode(msgspec.structs.replace(value, timestamp=now.strftime("%Y-%m-%dT%H:%M:%SZ")))
    return Page(body, tag_of(content))


def tag_of(content: bytes) -> str:
    """Return a weak tag: the same content may be sent compressed, or at another time."""
    return f'W/"{blake2b(content, digest_size=12).hexdigest()}"'


async def answer_page(page: Page, *, is_hit: bool, vary: str = "accept-encoding") -> Response:
    """Return the page as the request wants it: nothing when the caller has it already, compressed when it may be."""
    if _has_it(request.headers.get("if-none-match"), page.etag):
        response = Response("", status=304)
        del response.headers["content-length"], response.headers["content-type"]  # they would be those of the 200
    elif _takes_gzip(request.headers.get("accept-encoding", "")) and (packed := await page.compressed()) is not None:
        response = Response(packed, content_type="application/json")
        response.headers["content-encoding"] = "gzip"
    else:
        response = Response(page.body, content_type="application/json")
    response.headers["etag"] = page.etag
    response.headers["cache-control"] = "private, max-age=5, must-revalidate"
    response.headers["vary"] = vary
    response.headers["x-cache"] = "HIT" if is_hit else "MISS"
    return response


def _compress(body: bytes) -> bytes:
    return gzip.compress(body, _LEVEL, mtime=0)


def _has_it(known: str | None, etag: str) -> bool:
    if known is None:
        return False
    return known.strip() == "*" or any(_opaque(each) == _opaque(etag) for each in known.split(","))


def _opaque(tag: str) -> str:
    return tag.strip().removeprefix("W/")


def _takes_gzip(accepted: str) -> bool:
    """Tell whether gzip is among the codings accepted, by name or as `*`, and not refused by `q=0`."""
    weights: dict[str, float] = {}
    for part in accepted.lower().split(","):
        coding, _, parameters = part.partition(";")
        weights[coding.strip()] = _weight(parameters)
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _weight(parameters: str) -> float:
    name, _, value = parameters.strip().partition("=")
    try:
        return float(value) if name.strip() == "q" else 1.0
    except ValueError:
        return 0.0
