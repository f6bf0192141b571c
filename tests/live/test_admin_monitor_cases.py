"""Cases 24.4.1 to 24.4.3: administrators see every call, and what it came to, and no prompt."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import stub_upstream

pytestmark = pytest.mark.xdist_group("admin_monitor")
MODELS = {name: {"price": {"input": "1", "output": "3"}, "offers": {"stub": {}}} for name in ("acme/one", "acme/two")}
SECRET = "a prompt that nobody else reads"
COST = (9 * 1 + 2 * 3) / 1_000_000
CALLS = 5
PATH = "/admin/monitoring/chat-requests"


class Site(NamedTuple):
    base: str
    admin: str
    user: str
    user_id: int

    def get(self, path: str, status: int = 200, /, key: str = "", **params: Any) -> Any:
        headers = {"authorization": f"Bearer {key or self.admin}"}
        reply = httpx.get(self.base + path, params=params, headers=headers, timeout=20)
        assert reply.status_code == status, reply.text
        assert SECRET not in reply.text
        return reply.json()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Three calls for one model and one for another, and one that failed; of a user with ten dollars."""
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": MODELS,
            "billing": {"use": "credits"},
        }
        with GatewayProcess(tmp_path_factory.mktemp("monitor"), config) as gateway:
            user = gateway.add_user("user@example.com", "--credits", "10")
            admin = gateway.create_user("admin@example.com", "--role", "admin")
            made = Site(gateway.base, admin, user["api_key"], user["user_id"])
            for model in ("acme/one", "acme/one", "acme/two", "acme/one"):
                assert ask(made, model).status_code == 200
            upstream.fail(400)
            assert ask(made, "acme/two").status_code == 400
            until = time.monotonic() + 10
            while made.get(PATH)["metadata"]["total_count"] < CALLS:
                assert time.monotonic() < until
                time.sleep(0.1)
            yield made


def ask(site: Site, model: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": SECRET}]}
    headers = {"authorization": f"Bearer {site.user}"}
    return httpx.post(f"{site.base}/v1/chat/completions", json=body, headers=headers, timeout=20)


def test_24_4_1_monitor(site: Site) -> None:
    answer = site.get("/admin/monitor")
    data = answer["data"]
    assert answer["status"] == "success" and answer["timestamp"]
    assert (data["total_users"], data["active_users_today"], data["total_requests_today"]) == (2, 1, CALLS)
    assert data["total_tokens_today"] == 4 * 11 and data["total_cost_today"] == pytest.approx(4 * COST)
    assert data["total_credits"] == pytest.approx(10 - 4 * COST) and data["total_credits_held"] == 0
    (top,) = data["top_users_by_usage"]
    assert (top["user_id"], top["requests"]) == (site.user_id, CALLS)
    assert len(data["recent_activity"]) == CALLS and data["recent_activity"][0]["status"] == "failed"
    assert data["system_usage_metrics"]["today"]["success_rate"] == 80


def test_24_4_2_calls(site: Site) -> None:
    page = site.get(PATH, limit=2, offset=1)
    assert page["success"] and page["metadata"]["returned_count"] == 2 and page["metadata"]["total_count"] == CALLS
    first = page["data"][0]
    assert (first["model"], first["provider"], first["status"]) == ("acme/one", "stub", "completed")
    assert (first["input_tokens"], first["output_tokens"], first["total_tokens"]) == (9, 2, 11)
    assert first["cost_usd"] == pytest.approx(COST) and first["user_id"] == site.user_id
    failed = site.get(PATH, limit=1)["data"][0]
    assert (failed["status"], failed["http_status"], failed["cost_usd"]) == ("failed", 400, None)
    assert failed["error_message"]


@pytest.mark.parametrize(
    ("params", "count"),
    [
        ({"model_id": "acme/one"}, 3),
        ({"model_name": "TWO"}, 2),
        ({"provider_id": "stub"}, CALLS),
        ({"provider_id": "none"}, 0),
    ],
)
def test_24_4_2_filters(site: Site, params: dict[str, str], count: int) -> None:
    page = site.get(PATH, **params)
    assert page["metadata"]["total_count"] == len(page["data"]) == count
    assert page["metadata"]["filters"] == params


def test_24_4_2_dates(site: Site) -> None:
    today = datetime.now(UTC).date()
    assert (
        site.get(PATH, start_date=str(today - timedelta(days=1)), end_date=str(today))["metadata"]["total_count"] == 5
    )
    assert site.get(PATH, end_date=str(today - timedelta(days=1)))["data"] == []
    assert site.get(PATH, start_date=(datetime.now(UTC) + timedelta(hours=1)).isoformat())["data"] == []
    for params in ({"start_date": "yesterday"}, {"limit": 0}, {"limit": 100_001}, {"offset": -1}):
        site.get(PATH, 422, **params)


def test_24_4_3_summary(site: Site) -> None:
    answer = site.get(f"{PATH}/summary")
    summary = answer["summary"]
    assert (summary["total_requests"], summary["completed_requests"], summary["failed_requests"]) == (CALLS, 4, 1)
    assert (summary["total_input_tokens"], summary["total_output_tokens"]) == (36, 8)
    assert summary["success_rate"] == 80 and summary["avg_processing_time_ms"] >= 0
    assert site.get(f"{PATH}/summary", model_id="acme/none")["summary"]["success_rate"] is None


def test_24_4_siblings(site: Site) -> None:
    models = site.get(f"{PATH}/counts")["data"]
    assert [(row["model"], row["request_count"]) for row in models] == [("acme/one", 3), ("acme/two", 2)]
    assert site.get(f"{PATH}/models") | {"timestamp": 0} == site.get(f"{PATH}/counts") | {"timestamp": 0}
    assert [(row["provider"], row["request_count"]) for row in site.get(f"{PATH}/providers")["data"]] == [("stub", 5)]


def test_24_4_is_for_administrators(site: Site) -> None:
    for path in ("/admin/monitor", PATH, f"{PATH}/summary"):
        site.get(path, 403, key=site.user)
        assert httpx.get(site.base + path).status_code == 401
