"""Following providers' lists over HTTP: spec 07 §5 (24.5.1-24.5.3), §6 (24.6.1-24.6.4), against stub upstreams."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import Answer, Seen, StubUpstream, stub_upstream

SYNC = "/admin/model-sync"
PRICES = {"input": "pricing.prompt", "output": "pricing.completion", "per": "token"}


class Lists:
    """What the stub lists, and how it fares when asked."""

    def __init__(self, stub: StubUpstream) -> None:
        self.models: list[dict[str, Any]] = []
        self.status = 200
        self.pause_s = 0.0
        stub.behave = self.answer

    def answer(self, seen: Seen) -> Answer | None:
        if not seen.path.endswith("/models"):
            return None
        if self.status != 200:
            return self.status, {}, [b'{"error": {"message": "out of order"}}']
        body = msgspec.json.encode({"object": "list", "data": self.models})
        return 200, {}, [self.pause_s, body] if self.pause_s else [body]


def line(model: str, prompt: str | None = "0.000001", completion: str = "0.000002", **more: Any) -> dict[str, Any]:
    pricing = {} if prompt is None else {"pricing": {"prompt": prompt, "completion": completion}}
    return {"id": model, "context_length": 32_000, **pricing, **more}


def config(stub: StubUpstream, **sync: Any) -> dict[str, Any]:
    entry = {"use": "openai_compatible", "base_url": stub.url, "api_key": "k", "listing": {"prices": PRICES}}
    lab = {**entry, "model_ids": {"strip": ["lab/"]}, "display": {"name": "Lab"}}
    silent = {**entry, "display": {"name": "Silent", "is_syncable": False}}
    models = {"lab/by-hand": {"offers": {"lab": {"id": "by-hand", "price": {"input": 5, "output": 7}}}}}
    return {
        "providers": {"lab": lab, "silent": silent},
        "models": models,
        "catalog_sync": {"enabled": False, "gone_after": 2, "poll_s": 0.2, **sync},
    }


@pytest.fixture(scope="module")
def stub() -> Iterator[StubUpstream]:
    with stub_upstream() as running:
        yield running


@pytest.fixture(scope="module")
def gateway(stub: StubUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("sync"), config(stub)) as running:
        yield running


@pytest.fixture(scope="module")
def admin(gateway: GatewayProcess) -> Iterator[httpx.Client]:
    key = gateway.create_user("admin@example.com", "--role", "admin")
    with httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {key}"}) as client:
        yield client


@pytest.fixture
def lists(stub: StubUpstream, admin: httpx.Client) -> Lists:
    found = Lists(stub)
    until(lambda: admin.get(f"{SYNC}/status").json()["running"] is None)
    admin.delete(f"{SYNC}/flush-providers", params={"confirm": "flush-providers"}).raise_for_status()
    return found


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not holds():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.05)


def sync(admin: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = admin.post(f"{SYNC}/provider/lab", params=params)
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def call(client: httpx.Client, model: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "ping"}], "max_tokens": 5}
    return client.post("/v1/chat/completions", json=body)


def price_of(client: httpx.Client, model: str) -> tuple[str, str]:
    pricing = client.get(f"/v1/models/{model}").raise_for_status().json()["pricing"]
    return pricing["prompt"], pricing["completion"]


def test_24_6_1_status(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("one"), line("two", None)]
    before = admin.get(f"{SYNC}/status").json()
    assert before["providers"]["in_database"] == 0 and before["providers"]["configured"] == ["lab"]
    sync(admin)
    status = admin.get(f"{SYNC}/status").json()
    providers, models = status["providers"], status["models"]["stats"]
    assert providers["in_database"] == 1 and providers["with_fetch_functions"] == len(status["fetchable_providers"])
    assert providers["fetchable_in_db"] == ["lab"] and "lab" not in providers["fetchable_not_in_db"]
    (stats,) = providers["stats"]
    assert (stats["provider"], stats["listed"], stats["priced"], stats["unpriced"]) == ("lab", 2, 1, 1)
    assert (models["listed"], models["active"], models["inactive"], models["priced"], models["unpriced"]) == (
        2,
        2,
        0,
        1,
        1,
    )
    assert models["served"] == before["models"]["stats"]["served"] + 1 and models["shipped"] > 1_000
    assert status["running"] is None


def test_24_6_2_health(admin: httpx.Client, lists: Lists) -> None:
    fresh = admin.get(f"{SYNC}/health").json()
    assert fresh["minutes_since_last_sync"] is None and fresh["last_models_synced"] is None
    assert fresh["sync_interval_minutes"] == 30 and fresh["enabled"] is False
    lists.models = [line("one")]
    sync(admin)
    good = admin.get(f"{SYNC}/health").json()
    assert good["is_healthy"] is True and good["last_error"] is None and good["last_models_synced"] == 1
    assert good["total_runs"] == fresh["total_runs"] + 1 and good["successful_runs"] == fresh["successful_runs"] + 1
    assert 0 <= good["last_duration_seconds"] < 10 and good["minutes_since_last_sync"] < 1
    lists.status = 500
    sync(admin)
    bad = admin.get(f"{SYNC}/health").json()
    assert bad["failed_runs"] == good["failed_runs"] + 1 and bad["success_rate"] < 1
    assert "status 500" in bad["last_error"] and bad["last_success_time"] == good["last_success_time"]


def test_24_6_3_syncable_providers(gateway: GatewayProcess, admin: httpx.Client) -> None:
    shown = httpx.get(f"{gateway.base}{SYNC}/providers").json()
    assert shown["providers"] == sorted(shown["providers"]) and shown["count"] == len(shown["providers"])
    shipped = [name for name in shown["providers"] if name != "lab"]  # the test's own
    assert len(shipped) == 33 and {"modelz", "cohere", "openai"} <= {*shipped}
    assert not {"alpaca", "notdiamond", "silent"} & {*shipped}


def test_24_6_4_trigger_makes_a_new_priced_model_callable(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("brand-new", "0.000003", "0.000009", name="Brand New"), line("no-price", None)]
    assert call(admin, "lab/brand-new").status_code == 404
    answer = admin.post(f"{SYNC}/trigger", json={})
    assert (
        answer.status_code == 200
        and answer.json()["success"] is True
        and answer.json()["details"]["providers"] == ["lab"]
    )
    until(lambda: call(admin, "lab/brand-new").status_code == 200)
    shown = admin.get("/v1/models/lab/brand-new").json()
    assert shown["name"] == "Brand New" and shown["context_length"] == 32_000
    assert price_of(admin, "lab/brand-new") == ("0.000003", "0.000009")
    assert call(admin, "lab/no-price").status_code == 404, "a model nobody prices is kept out"


def test_a_second_trigger_is_told_that_one_is_running(admin: httpx.Client, lists: Lists) -> None:
    lists.models, lists.pause_s = [line("slow")], 0.8
    admin.post(f"{SYNC}/trigger").raise_for_status()
    running = admin.get(f"{SYNC}/status").json()["running"]
    assert running["kind"] == "full" and (running["providers"], running["done"], running["percent"]) == (1, 0, 0)
    again = admin.post(f"{SYNC}/trigger")
    assert again.status_code == 200 and "already running" in again.json()["message"]
    for path in (f"{SYNC}/provider/lab", "/admin/refresh-providers"):
        again = admin.post(path)
        assert again.status_code == 409 and "already running" in again.json()["error"]["message"], path
    flush = admin.delete(f"{SYNC}/flush-models", params={"confirm": "flush-models"})
    assert flush.status_code == 409
    until(lambda: admin.get(f"{SYNC}/status").json()["running"] is None)
    assert call(admin, "lab/slow").status_code == 200


def test_an_incremental_run_asks_only_whose_list_is_old(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("fresh")]
    asked = [admin.post(f"{SYNC}/incremental").raise_for_status().json()["details"]["providers"]]
    until(lambda: call(admin, "lab/fresh").status_code == 200)
    until(lambda: admin.get(f"{SYNC}/status").json()["running"] is None)
    asked.append(admin.post(f"{SYNC}/incremental").raise_for_status().json()["details"]["providers"])
    assert asked == [["lab"], []]


def test_a_list_that_fails_leaves_the_last_good_one(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("kept")]
    sync(admin)
    for lists.status, lists.models in ((500, [line("kept")]), (200, [])):
        failed = sync(admin)
        assert failed["success"] is False and failed["details"]["last_error"]
        assert failed["details"]["listed"] == 1 and failed["details"]["last_success_at"]
        assert call(admin, "lab/kept").status_code == 200
    stub_says_nonsense = lists
    stub_says_nonsense.models = [{"id": 7}, {"name": "nameless"}]
    assert sync(admin)["success"] is False
    assert call(admin, "lab/kept").status_code == 200


def test_a_model_that_vanishes_is_called_until_it_was_missed_twice(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("stays"), line("goes")]
    sync(admin)
    lists.models = [line("stays")]
    sync(admin)
    assert call(admin, "lab/goes").status_code == 200
    sync(admin)
    assert call(admin, "lab/goes").status_code == 404 and call(admin, "lab/stays").status_code == 200
    assert admin.get(f"{SYNC}/status").json()["models"]["stats"]["inactive"] == 1
    lists.models = [line("stays"), line("goes")]
    sync(admin)
    assert call(admin, "lab/goes").status_code == 200


def test_prices_follow_unless_they_cannot_be_right_or_were_written_by_hand(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("moves"), line("by-hand", "0.000001"), line("openai/gpt-4o", "0.01", "0.04")]
    first = sync(admin)["details"]
    assert (first["priced"], first["refused"]) == (2, 1), "four thousand times the usual price of gpt-4o"
    lists.models[0] = line("moves", "0.000004", "0.000008")
    sync(admin)
    assert price_of(admin, "lab/moves") == ("0.000004", "0.000008")
    assert price_of(admin, "lab/by-hand") == ("0.000005", "0.000007")
    lists.models = [line("moves", "-1", "-1"), line("gift", "0", "0"), line("gift:free", "0", "0")]
    third = sync(admin)["details"]
    assert (third["priced"], third["unpriced"]) == (1, 2), "zero is a price of `:free` variants only"
    assert call(admin, "lab/gift:free").status_code == 200 and call(admin, "lab/gift").status_code == 404


def test_a_dry_run_keeps_nothing(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("looked-at"), line("unpriced", None)]
    shown = sync(admin, dry_run=True)["details"]
    assert shown["dry_run"] is True and shown["counts"]["listed"] == 2
    assert {"id": "looked-at", "model": "lab/looked-at", "state": "priced"} in shown["models"]
    assert admin.get(f"{SYNC}/status").json()["providers"]["in_database"] == 0
    assert call(admin, "lab/looked-at").status_code == 404


def test_forgetting_needs_the_word_to_be_typed(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("here")]
    sync(admin)
    for method, path in (("DELETE", "flush-models"), ("DELETE", "flush-providers"), ("POST", "reset-and-resync")):
        for params in ({}, {"confirm": "yes"}):
            refused = admin.request(method, f"{SYNC}/{path}", params=params)
            assert refused.status_code == 400 and refused.json()["error"]["param"] == "confirm"
    assert call(admin, "lab/here").status_code == 200
    gone = admin.delete(f"{SYNC}/flush-models", params={"confirm": "flush-models"}).json()
    assert gone["success"] is True and gone["details"] == {"models": 1}
    assert call(admin, "lab/here").status_code == 404 and call(admin, "lab/by-hand").status_code == 200
    admin.post(f"{SYNC}/reset-and-resync", params={"confirm": "reset-and-resync"}).raise_for_status()
    until(lambda: call(admin, "lab/here").status_code == 200)


def test_who_may_not_and_what_is_not_there(gateway: GatewayProcess, admin: httpx.Client, lists: Lists) -> None:
    user = {"authorization": f"Bearer {gateway.create_user('plain@example.com')}"}
    paths = [("GET", f"{SYNC}/status"), ("GET", f"{SYNC}/health"), ("POST", f"{SYNC}/trigger")]
    paths += [("DELETE", f"{SYNC}/flush-models"), ("GET", "/admin/cache-status"), ("POST", "/admin/cache/clear")]
    for method, path in paths:
        assert httpx.request(method, f"{gateway.base}{path}").status_code == 401, path
        assert httpx.request(method, f"{gateway.base}{path}", headers=user).status_code == 403, path
    for slug in ("nobody", "silent", "groq"):  # unknown, not followed, not configured
        answer = admin.post(f"{SYNC}/provider/{slug}")
        assert answer.status_code == 400 and answer.json()["error"]["param"] == "slug"
    assert admin.post(f"{SYNC}/provider/lab", params={"dry_run": "maybe"}).status_code == 422


def test_24_5_1_cache_status(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("one")]
    sync(admin)
    shown = admin.get("/admin/cache-status").json()
    info = shown["cache_info"]
    assert shown["status"] == "success" and shown["timestamp"]
    assert info["has_data"] is True and info["is_valid"] is True and info["ttl_seconds"] == 1800
    assert 0 <= info["cache_age_seconds"] < 60
    assert info["total_cached_providers"] == len({m["provider_slug"] for m in _models(admin)})


def _models(client: httpx.Client) -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = client.get("/v1/models", params={"limit": 1000}).json()["data"]
    return data


def test_24_5_2_refresh_providers(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("refreshed")]
    answer = admin.post("/admin/refresh-providers", json={}).json()
    assert answer["status"] == "success" and answer["total_providers"] == 1 and answer["message"]
    until(lambda: call(admin, "lab/refreshed").status_code == 200)


def test_24_5_3_clear_caches(admin: httpx.Client, lists: Lists) -> None:
    lists.models = [line("survives")]
    sync(admin)
    cleared = admin.post("/admin/cache/clear", json={}).json()
    assert cleared["success"] is True and "lab" in cleared["gateways_cleared"]
    assert admin.get("/admin/cache-status").json()["cache_info"]["cache_age_seconds"] < 30
    one = admin.post("/admin/cache/clear", params={"gateway": "lab"}).json()
    assert one["success"] is True and one["gateway"] == "lab"
    assert call(admin, "lab/survives").status_code == 200
    wrong = admin.post("/admin/cache/clear", params={"gateway": "nowhere"})
    assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "gateway"


def test_two_processes_see_what_one_has_learnt(
    gateway: GatewayProcess,
    admin: httpx.Client,
    lists: Lists,
    stub: StubUpstream,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    shared = {
        "store": {"url": f"sqlite+aiosqlite:///{gateway.folder / 'gatewayz.db'}"},
        "data_dir": str(gateway.folder / "var"),
    }
    with (
        GatewayProcess(tmp_path_factory.mktemp("sync2"), {**config(stub), **shared}) as other,
        httpx.Client(base_url=other.base, headers=admin.headers) as there,
    ):
        assert call(there, "lab/shared").status_code == 404
        lists.models = [line("shared")]
        sync(admin)
        until(lambda: call(there, "lab/shared").status_code == 200)
        lists.pause_s = 0.8
        there.post(f"{SYNC}/trigger").raise_for_status()
        assert "already running" in admin.post(f"{SYNC}/trigger").json()["message"], "the other process is at it"
        until(lambda: admin.get(f"{SYNC}/status").json()["running"] is None)


def test_lists_are_followed_on_a_clock_and_reloads_keep_them(
    stub: StubUpstream, tmp_path_factory: pytest.TempPathFactory
) -> None:
    lists = Lists(stub)
    lists.models = [line("followed")]
    settings = config(stub, enabled=True, interval_s=0.4)
    with GatewayProcess(tmp_path_factory.mktemp("sync3"), settings) as running:
        key = running.create_user("user@example.com")
        with httpx.Client(base_url=running.base, headers={"authorization": f"Bearer {key}"}) as client:
            until(lambda: call(client, "lab/followed").status_code == 200)
            more = {"lab/second": {"offers": {"lab": {"id": "second", "price": {"input": 1, "output": 1}}}}}
            running.write_config({**settings, "models": {**settings["models"], **more}})
            until(lambda: call(client, "lab/second").status_code == 200)
            assert call(client, "lab/followed").status_code == 200
            lists.models = [line("followed"), line("third")]
            until(lambda: call(client, "lab/third").status_code == 200)
            assert call(client, "lab/second").status_code == 200
        asked = [seen for seen in stub.seen if seen.path.endswith("/models")]
        assert all(seen.headers["authorization"] == "Bearer k" for seen in asked)
