"""The API description is true of a started server, and its pages work without the internet."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from tests.fakes.browser import chromium_page
from tests.fakes.gateway_process import GatewayProcess, run_cli

EXAMPLES = 5
"""Of each operation; the corners are hypothesis's own choice."""


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("documentation"), {"billing": {"use": "credits"}}) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def admin_key(gateway: GatewayProcess) -> str:
    made = run_cli("users", "create", "a@example.com", "--role", "admin", "--json", "--config", str(gateway.path))
    key: str = msgspec.json.decode(made.stdout)["api_key"]
    return key


def test_the_document_is_served(gateway: GatewayProcess) -> None:
    answer = httpx.get(f"{gateway.base}/openapi.json")
    assert answer.status_code == 200
    document = answer.json()
    assert document["openapi"].startswith("3.1")
    assert "/v1/chat/completions" in document["paths"]


def test_no_generated_request_breaks_the_server(gateway: GatewayProcess, admin_key: str) -> None:
    """Whatever is sent is answered by a clear status, never by a fault of ours."""
    schemathesis = pytest.importorskip("schemathesis")
    schema = schemathesis.openapi.from_url(f"{gateway.base}/openapi.json")
    broken: list[str] = []
    tried = 0
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            nonlocal tried
            tried += 1
            answer = case.call(headers={"Authorization": f"Bearer {admin_key}"}, timeout=20)
            if answer.status_code == 500 or (answer.status_code >= 400 and "error" not in answer.json()):
                broken.append(f"{answer.status_code} {case.as_curl_command()} {answer.text[:200]}")

        send()
    assert tried > 300
    assert broken == []
    assert httpx.get(f"{gateway.base}/livez").status_code == 200
    assert not [line for line in gateway.log if "Traceback" in line]


@pytest.mark.parametrize(
    ("path", "operation"),
    [("/docs", ".opblock"), ("/redoc", "[data-section-id^='operation/'], [data-section-id*='/operation/']")],
)
def test_the_page_shows_the_document_and_asks_nobody_else(gateway: GatewayProcess, path: str, operation: str) -> None:
    with chromium_page(gateway.base, viewport={"width": 1200, "height": 900}) as visit:
        visit.page.goto(gateway.base + path)
        visit.page.locator(operation).nth(4).wait_for(
            state="attached", timeout=60_000
        )  # Swagger UI shows what is in view
        assert visit.page.get_by_text("Gatewayz Inference API").first.is_visible()
        assert visit.strangers == []
        assert visit.failures == []


def test_a_file_is_kept_for_good_by_its_digest(gateway: GatewayProcess) -> None:
    page = httpx.get(f"{gateway.base}/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    source = page.text.partition('<script src="')[2].partition('"')[0]
    named = httpx.get(gateway.base + source)
    assert "immutable" in named.headers["cache-control"]
    plain = httpx.get(gateway.base + source.partition("?")[0], headers={"accept-encoding": "identity"})
    assert plain.content == named.content
    assert plain.headers["cache-control"] == "no-cache"
    assert httpx.get(f"{gateway.base}/static/..%2f..%2fapp.py").status_code == 404
