"""The dashboard and the status page, in a real browser: what traffic does is on them, and nothing else is loaded."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.browser import Visit, chromium_page
from tests.fakes.databases import postgres_url
from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.outages import without_database
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

pytestmark = pytest.mark.xdist_group("pages")
DASHBOARD = "/health/gateways/dashboard"
STATUS = "/status"
SERIES = f"{DASHBOARD}/series"
GOOD, BAD = "acme/good", "acme/bad"
NASTY = '<script>document.title="owned"</script>'
"""A provider's name for people."""
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 740}


class Running(NamedTuple):
    gateway: GatewayProcess
    good: StubUpstream
    bad: StubUpstream
    key: str

    def ask(self, model: str, times: int = 1) -> list[int]:
        headers = {"authorization": f"Bearer {self.key}"}
        body = {"model": model, "messages": [{"role": "user", "content": "ping"}]}
        url = f"{self.gateway.base}/v1/chat/completions"
        return [httpx.post(url, json=body, headers=headers, timeout=20).status_code for _ in range(times)]

    def get(self, path: str) -> httpx.Response:
        answer = httpx.get(self.gateway.base + path, headers={"accept": "text/html"}, timeout=20)
        assert answer.status_code == 200, answer.text
        return answer

    def plots(self) -> dict[str, list[Any]]:
        shown: dict[str, list[Any]] = self.get(SERIES).json()
        return shown

    def plots_with(self, requests: int) -> dict[str, list[Any]]:
        """Return the plots once they show so many requests: an answer is given again within its second."""
        end = time.monotonic() + 10
        while sum((found := self.plots())["requests"]) != requests:
            assert time.monotonic() < end, found["requests"]
            time.sleep(0.1)
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    def provider(upstream: StubUpstream, **more: Any) -> dict[str, Any]:
        return {"use": "openai_compatible", "base_url": upstream.url, "api_key": "secret-of-a-provider"} | more

    price = {"input": "1", "output": "1"}
    with stub_upstream() as good, stub_upstream() as bad:
        config: dict[str, Any] = {
            "status": {"check_s": 0.5, "recover_s": 1},
            "providers": {
                "good": provider(good, display={"name": NASTY}),
                "bad": provider(bad),
                "idle": provider(good),
                "local": {"enabled": False},
            },
            "models": {
                GOOD: {"price": price, "offers": {"good": {}}},
                BAD: {"price": price, "offers": {"bad": {}}},
                "acme/idle": {"price": price, "offers": {"idle": {}}},
            },
        }
        with GatewayProcess(tmp_path_factory.mktemp("pages"), config) as gateway:
            yield Running(gateway, good, bad, gateway.create_user())


@pytest.fixture
def look(running: Running) -> Iterator[Callable[..., Visit]]:
    """Open a page, and hold against it whatever else it loads or whatever goes wrong on it."""
    contexts = []

    def open_page(path: str, **options: Any) -> Visit:
        context = chromium_page(running.gateway.base, **{"viewport": DESKTOP} | options)
        visit = context.__enter__()
        contexts.append((context, visit))
        visit.page.goto(running.gateway.base + path)
        return visit

    yield open_page
    for context, visit in contexts:
        context.__exit__(None, None, None)
        assert visit.strangers == []
        assert visit.failures == []


def test_before_any_traffic_it_says_what_to_do(running: Running, look: Callable[..., Visit]) -> None:
    page = look(DASHBOARD).page
    page.get_by_text("No traffic yet.").wait_for()
    assert f"curl {running.gateway.base}/v1/chat/completions" in page.locator("pre").inner_text()
    assert tile(page, "Latency") == "\N{EN DASH}"


def test_12_4_2_traffic_is_in_tiles_cards_and_plots(running: Running, look: Callable[..., Visit]) -> None:
    page = look(DASHBOARD).page
    before = running.plots()
    assert running.ask(GOOD, 3) == [200] * 3
    after = running.plots_with(sum(before["requests"]) + 3)
    assert len({len(after[name]) for name in after}) == 1 and len(after["times"]) == 61
    assert [value for value in after["p50_ms"] if value is not None]
    # The open page hears of it by itself.
    page.locator(".tiles dd.sub", has_text="3 in the last hour").wait_for()
    card = page.locator('[data-provider="good"]')
    assert card.get_attribute("data-status") == "online"
    assert figure(card, "Calls") == "3" and figure(card, "Faults") == "0 %" and figure(card, "Score") == "100"
    assert card.locator("svg rect.ok").count() >= 1
    assert page.locator("table", has_text=GOOD).locator("tr", has_text=GOOD).locator("td").first.inner_text() == "3"
    assert page.locator(".plot canvas").count() == 3


def test_what_providers_are_called_is_text(running: Running, look: Callable[..., Visit]) -> None:
    running.ask(GOOD)
    answer = running.get(f"{DASHBOARD}?auto_fix=true")
    assert answer.headers["content-type"].startswith("text/html") and "<html" in answer.text
    assert "&lt;script&gt;document.title" in answer.text and NASTY not in answer.text
    page = look(DASHBOARD).page
    page.get_by_role("link", name=NASTY).wait_for()
    assert page.title() == "Dashboard · Gatewayz"


def test_an_outage_turns_the_card_and_nothing_leaks(running: Running, look: Callable[..., Visit]) -> None:
    page = look(DASHBOARD).page
    running.bad.fail(503, "secret words of a provider at /srv/app.py")
    assert all(status >= 500 for status in running.ask(BAD, 6))
    card = page.locator('[data-provider="bad"][data-status="offline"]')
    card.wait_for()
    assert figure(card, "Faults") == "100 %"
    assert card.locator(".breaker .chip").inner_text() == "Open"
    assert card.locator("rect.fault").count() >= 1 and card.locator("rect.ok").count() == 0
    page.locator("#said", has_text="providers").wait_for(state="attached")
    html = running.get(DASHBOARD).text
    assert "secret" not in html and "app.py" not in html
    page.locator(".tiles .alert", has_text="Failed requests").wait_for()
    assert sum(running.plots()["failed"]) >= 6


def test_the_status_page_tells_of_outages_and_their_end(running: Running, look: Callable[..., Visit]) -> None:
    running.ask(GOOD)
    running.bad.fail(503)
    assert all(status >= 500 for status in running.ask(BAD, 4))
    page = look(STATUS).page
    incident = page.locator('[aria-labelledby="open-title"] [data-incident]', has_text="bad")
    reload_until(page, incident)
    assert "so far" in incident.inner_text() and "PROVIDER_UNAVAILABLE" in incident.inner_text()
    bad, good = (page.locator(f'.components [data-provider="{name}"]') for name in ("bad", "good"))
    assert bad.get_attribute("data-status") == "major_outage" and bad.locator("rect.downtime").count() >= 1
    assert good.get_attribute("data-status") == "operational" and good.locator("rect.operational").count() >= 1
    assert good.locator(".uptime").inner_text() == "100 %"
    assert page.get_by_role("heading", name=NASTY).count() == 1
    assert page.get_by_text("No calls in this time: idle").count() == 1
    running.bad.recover()
    reset = httpx.post(f"{running.gateway.base}/circuit-breakers/reset-all")
    assert reset.status_code == 200
    assert running.ask(BAD, 15) == [200] * 15
    past = page.locator('[aria-labelledby="past-title"] [data-incident]', has_text="bad")
    reload_until(page, past)
    assert "lasted" in past.inner_text()


def test_the_status_page_searches_while_one_types(running: Running, look: Callable[..., Visit]) -> None:
    running.ask(GOOD)
    page = look(f"{STATUS}?period=90d").page
    page.locator('.components [data-provider="good"]').wait_for()
    assert page.locator('[aria-current="true"]').inner_text() == "90 days"
    page.get_by_label("Search providers").fill("nobody <b>")
    page.get_by_text("No provider is called “nobody <b>”.").wait_for()
    page.get_by_label("Search providers").fill("goo")
    page.locator('.components [data-provider="good"]').wait_for()
    assert page.locator("#overall").count() == 1
    page.keyboard.press("Enter")
    page.locator('.components [data-provider="good"]').wait_for()


def test_who_asks_for_json_gets_it(running: Running) -> None:
    shown = httpx.get(running.gateway.base + STATUS, headers={"accept": "application/json"})
    assert shown.json()["status"] in ("operational", "degraded", "major_outage", "unknown")
    assert "<html" in httpx.get(running.gateway.base + STATUS).text
    assert httpx.get(f"{running.gateway.base}{STATUS}?period=5y").status_code == 422
    assert httpx.get(f"{running.gateway.base}/status/").json()["total_providers"] == 3


@pytest.mark.parametrize("path", [DASHBOARD, STATUS])
def test_the_policy_lets_nothing_inline_run(running: Running, path: str) -> None:
    answer = running.get(path)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy and "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", answer.text)


def test_a_bad_parameter_is_named(running: Running) -> None:
    answer = httpx.get(f"{running.gateway.base}{DASHBOARD}?auto_fix=perhaps")
    assert answer.status_code == 422 and answer.json()["error"]["param"] == "auto_fix"


@pytest.mark.parametrize("path", [DASHBOARD, STATUS])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_all_of_it(running: Running, look: Callable[..., Visit], path: str, scheme: str) -> None:
    running.ask(GOOD)
    page = look(path, viewport=PHONE, color_scheme=scheme).page
    assert page.evaluate("document.documentElement.dataset.theme") == scheme
    assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    assert page.evaluate(WIDE) == []


WIDE = """[...document.querySelectorAll('main *, header *')].filter(one => {
  const box = one.getBoundingClientRect();
  return box.width && box.right > innerWidth + 0.5 && !one.closest('pre, .skip');
}).map(one => one.outerHTML.slice(0, 80))"""
"""What reaches beyond the screen."""


def test_the_theme_can_be_switched_and_is_remembered(look: Callable[..., Visit]) -> None:
    page = look(DASHBOARD, color_scheme="light").page
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Switch between light and dark").press("Enter")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_keyboard_reaches_everything_and_keeps_its_place(running: Running, look: Callable[..., Visit]) -> None:
    running.ask(GOOD)
    page = look(DASHBOARD).page
    page.locator(".plot canvas").first.wait_for()
    order = []
    for _ in range(30):
        page.keyboard.press("Tab")
        order.append(page.evaluate("document.activeElement.id || document.activeElement.textContent.trim()"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none", order[-1]
        if order[-1] == "provider-good":
            break
    assert order[0] == "Skip to content"
    assert order.index("Dashboard") < order.index("theme") < order.index("provider-good")
    with page.expect_response(lambda answer: answer.url.endswith("/live")):
        pass
    page.wait_for_timeout(200)
    assert page.evaluate("document.activeElement.id") == "provider-good"


@pytest.mark.parametrize("path", [DASHBOARD, STATUS])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessibility_rules_hold(running: Running, path: str, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    running.ask(GOOD)
    # Axe measures from inside the page, which our policy does not let it.
    with chromium_page(running.gateway.base, viewport=DESKTOP, color_scheme=scheme, bypass_csp=True) as visit:
        visit.page.goto(running.gateway.base + path)
        visit.page.locator("h1").wait_for()
        found = axe.run(visit.page)
        assert found.violations_count == 0, found.generate_report()


def test_without_a_database_both_pages_are_there(tmp_path: Path) -> None:
    url = postgres_url()
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "store": {"url": url},
            "providers": {
                "good": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {GOOD: {"price": {"input": "1", "output": "1"}, "offers": {"good": {}}}},
        }
        with GatewayProcess(tmp_path, config) as gateway:
            running = Running(gateway, upstream, upstream, gateway.create_user())
            assert running.ask(GOOD) == [200]
            with without_database(url):
                end = time.monotonic() + 15
                while "The database does not answer" not in (html := running.get(DASHBOARD).text):
                    assert time.monotonic() < end
                    time.sleep(0.2)
                assert 'data-provider="good"' in html and sum(running.plots()["requests"]) == 1
                for period in ("72h", "90d"):
                    assert "<h1>Status</h1>" in running.get(f"{STATUS}?period={period}").text


def reload_until(page: Any, wanted: Any) -> None:
    """Look again until something is there: incidents begin and end on a clock."""
    end = time.monotonic() + 20
    while not wanted.count():
        assert time.monotonic() < end, page.locator("main").inner_text()
        page.wait_for_timeout(300)
        page.reload()


def tile(page: Any, name: str) -> str:
    text: str = (
        page.locator(".tiles > div", has=page.locator("dt", has_text=re.compile(f"^{name}$")))
        .locator("dd")
        .first.inner_text()
    )
    return text


def figure(card: Any, name: str) -> str:
    text: str = card.locator("dl > div", has_text=re.compile(f"^{name}")).locator("dd").inner_text()
    return text
