"""A real Chromium for tests of pages, where one is installed; tests that ask for it are skipped elsewhere."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["Visit", "chromium_page"]

_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


class Visit:
    """A page and what happened on it."""

    def __init__(self, page: Any, origin: str) -> None:
        self.page = page
        self.origin = origin
        self.strangers: list[str] = []
        """Requests that left the origin."""
        self.failures: list[str] = []
        """Requests that failed, errors of scripts, what the policy refused."""
        page.on("request", lambda request: self._note(request.url))
        page.on("requestfailed", lambda request: self.failures.append(f"failed: {request.url}"))
        page.on("pageerror", lambda error: self.failures.append(f"script: {error}"))
        page.on("console", self._hear)

    def _note(self, url: str) -> None:
        if not url.startswith((self.origin, "data:", "blob:")):
            self.strangers.append(url)

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.failures.append(f"console: {message.text}")


@contextmanager
def chromium_page(origin: str, **context: Any) -> Iterator[Visit]:
    """Yield an empty page; `context` are options of Playwright's `new_context` (viewport, color_scheme)."""
    binary = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if binary is None:
        pytest.skip("no Chromium is installed")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=binary, args=list(_ARGUMENTS))
        try:
            yield Visit(browser.new_context(**context).new_page(), origin)
        finally:
            browser.close()
