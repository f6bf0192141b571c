"""Cases 25.7 to 25.10: limits hold over HTTP."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess

pytestmark = pytest.mark.xdist_group("limits")
FREE = "meta-llama/llama-3.1-8b-instruct:free"
LIMITS: dict[str, Any] = {"enabled": True, "anonymous": {"requests_per_day": 3, "models": [FREE]}}
ECHO = {"price": {"input": "1", "output": "1"}, "offers": {"echo": {}}}
BODY = {"model": "acme/echo", "messages": [{"role": "user", "content": "pong"}], "max_tokens": 16}
BROWSER = {"user-agent": "Mozilla/5.0"}


def config(**more: Any) -> dict[str, Any]:
    return {
        "providers": {"echo": {"use": "echo"}},
        "models": {FREE: {**ECHO, "price": {"input": "0", "output": "0"}}, "acme/echo": ECHO},
        "limits": LIMITS,
        "access": {"anonymous_inference": True},
        "server": {"trusted_proxies": ["127.0.0.1"]},
        **more,
    }


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    with GatewayProcess(tmp_path_factory.mktemp("limits"), config()) as gateway:
        yield gateway


def chat(gateway: GatewayProcess, key: str | None, model: str = "acme/echo", **headers: str) -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "Reply with pong."}], "max_tokens": 16}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    return httpx.post(f"{gateway.base}/v1/chat/completions", json=body, headers=headers, timeout=10)


def test_25_9_anonymous_limits_are_stricter(gateway: GatewayProcess) -> None:
    statuses = [chat(gateway, None, FREE).status_code for _ in range(4)]
    assert statuses == [200, 200, 200, 429]
    refused = chat(gateway, None, "acme/echo")
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "anonymous_model_restricted"
    key = gateway.create_user("anonymous@example.com")
    assert [chat(gateway, key, FREE).status_code for _ in range(5)] == [200] * 5


def test_3_1_10_and_3_1_11_without_a_key(gateway: GatewayProcess) -> None:
    other = {"x-forwarded-for": "203.0.113.10"}  # the test's own address has spent its three calls
    answered = chat(gateway, None, FREE, **other)
    assert answered.status_code == 200 and answered.json()["choices"][0]["message"]["content"]
    assert answered.json()["gateway_usage"]["cost_usd"] == 0
    refused = chat(gateway, None, "acme/echo", **other)
    error = refused.json()["error"]
    assert refused.status_code == 403 and error["code"] == "anonymous_model_restricted"
    assert error["context"]["allowed_models"] == [FREE]
    assert chat(gateway, "gw_live_" + "0" * 43, FREE, **other).status_code == 401


def test_3_1_12_one_call_more_than_a_minute_has(gateway: GatewayProcess) -> None:
    key = gateway.create_user("sixty@example.com")
    with client(gateway, key) as user:
        answers = [user.post("/v1/chat/completions", json=BODY) for _ in range(61)]
    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    last = answers[-1]
    assert 1 <= int(last.headers["retry-after"]) <= 60 and last.headers["ratelimit-remaining"] == "0"
    assert last.headers["x-ratelimit-limit-requests"] == "60" and last.headers["x-ratelimit-remaining-requests"] == "0"
    error = last.json()["error"]
    assert error["context"] == {"limit_type": "requests_per_minute", "limit": 60}


def test_headers_tell_what_is_left(gateway: GatewayProcess) -> None:
    key = gateway.create_user("headers@example.com")
    first, second = chat(gateway, key), chat(gateway, key)
    assert first.headers["x-ratelimit-limit-requests"] == "60"
    assert first.headers["x-ratelimit-remaining-requests"] == "59"
    assert second.headers["ratelimit-remaining"] == "58"
    assert int(second.headers["x-ratelimit-remaining-tokens"]) < 10_000
    assert second.headers["x-ratelimit-burst-window"] == "100 per 60 seconds"


def test_25_8_a_plan_has_limits_of_its_own(gateway: GatewayProcess) -> None:
    key = gateway.create_user("minute@example.com", "--plan", "enterprise")
    assert chat(gateway, key).headers["ratelimit-limit"] == "1000"


def test_25_7_ip_level_limits(gateway: GatewayProcess) -> None:
    with httpx.Client(base_url=gateway.base, headers=BROWSER) as client:
        answers = [client.get("/") for _ in range(301)]
    assert {answer.status_code for answer in answers[:290]} == {200}
    last = answers[-1]
    assert last.status_code == 429 and last.headers["x-ratelimit-reason"] == "ip_limit"
    assert int(last.headers["retry-after"]) <= 60 and "error" in last.json()
    assert httpx.get(f"{gateway.base}/health").status_code == 200
    assert chat(gateway, "gw_live_wrong").status_code == 429
    key = gateway.create_user("exempt@example.com")
    assert chat(gateway, key).status_code == 200


def test_a_flood_of_invalid_keys_is_refused_without_asking_the_store(gateway: GatewayProcess) -> None:
    key = gateway.create_user("bystander@example.com")
    flood = {"x-forwarded-for": "203.0.113.66"}  # an address of its own
    with client(gateway, key) as user, httpx.Client(base_url=gateway.base, headers=flood, timeout=20) as guesser:
        before = user.get("/auth/health").json()["checks"]["auth_cache"]["stats"]["loads"]
        statuses = []
        for number in range(420):
            guess = {"authorization": f"Bearer gw_live_{number:043d}"}
            statuses.append(guesser.post("/v1/chat/completions", json=BODY, headers=guess).status_code)
        loads = user.get("/auth/health").json()["checks"]["auth_cache"]["stats"]["loads"] - before
        assert statuses[:290] == [401] * 290 and statuses[301:] == [429] * 119
        assert 300 <= loads < 380, "the store is asked within the limit, then for few"
        assert user.post("/v1/chat/completions", json=BODY).status_code == 200
        known = {"authorization": f"Bearer {key}"}
        assert guesser.post("/v1/chat/completions", json=BODY, headers=known).status_code == 200


def test_redis_gone_limits_stay_on(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"redis://127.0.0.1:{closed.getsockname()[1]}/0"
        store = {"redis_url": url}
        default = {"requests_per_minute": 5}
        with GatewayProcess(tmp_path, config(store=store, limits={**LIMITS, "default": default})) as gateway:
            key = gateway.create_user()
            answers = [chat(gateway, key) for _ in range(6)]
            assert [answer.status_code for answer in answers] == [200] * 5 + [429]
            assert int(answers[-1].headers["retry-after"]) <= 60
            health = httpx.get(f"{gateway.base}/health").json()
            assert health["status"] == "degraded" and "limits" in health


def client(gateway: GatewayProcess, key: str) -> httpx.Client:
    return httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {key}"}, timeout=10)


def test_1_4_velocity_mode_status(gateway: GatewayProcess) -> None:
    shown = httpx.get(f"{gateway.base}/velocity-mode-status").json()
    assert shown["active"] is False and shown["threshold"] == 25.0
    assert shown["error_rate"] == shown["current_error_rate"] and shown["sample_size"] >= 0
    assert shown["limits"]["normal"] == {"ip_limit": 300, "strict_ip_limit": 60, "fingerprint_limit": 100}
    assert shown["limits"]["velocity"] == {"ip_limit": 150, "strict_ip_limit": 30, "fingerprint_limit": 50}


def test_8_4_1_and_8_4_2_limits_and_usage(gateway: GatewayProcess) -> None:
    key = gateway.create_user("shown@example.com")
    assert chat(gateway, key).status_code == 200
    with client(gateway, key) as user:
        shown = user.get("/user/rate-limits").json()
        config = shown["rate_limit_configs"][0]
        assert config["rate_limit_config"]["requests_per_minute"] == 60 and key not in str(shown)
        usage = f"/user/rate-limits/usage/{config['key_id']}"
        used = user.get(usage, params={"time_window": "hour"}).json()
        assert used["usage_stats"]["requests"] == 1 and used["usage_stats"]["tokens"] > 0
        wrong = user.get(usage, params={"time_window": "year"})
        assert wrong.status_code == 400 and wrong.json()["error"]["param"] == "time_window"
        assert user.get("/user/rate-limits/usage/999999").status_code == 404


def test_8_4_3_and_25_8_a_lowered_limit_holds(gateway: GatewayProcess) -> None:
    key = gateway.create_user("low@example.com")
    with client(gateway, key) as user:
        key_id = user.get("/user/rate-limits").json()["rate_limit_configs"][0]["key_id"]
        changed = user.put(f"/user/rate-limits/{key_id}", json={"requests_per_minute": 5, "tokens_per_day": 10**9})
        assert changed.json()["updated_config"]["requests_per_minute"] == 5
        assert changed.json()["updated_config"]["tokens_per_day"] == 1_000_000
        assert user.put(f"/user/rate-limits/{key_id}", json={"requests_per_minute": -1}).status_code == 422
    answers = [chat(gateway, key) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429]
    last = answers[-1]
    assert 1 <= int(last.headers["retry-after"]) <= 60 and last.headers["x-ratelimit-limit-requests"] == "5"


def test_parallel_calls_stay_within_the_tokens_of_a_minute(gateway: GatewayProcess) -> None:
    key = gateway.add_user("tokens@example.com")["api_key"]
    with client(gateway, key) as user, ThreadPoolExecutor(8) as threads:
        key_id = user.get("/user/rate-limits").json()["rate_limit_configs"][0]["key_id"]
        user.put(f"/user/rate-limits/{key_id}", json={"tokens_per_minute": 100}).raise_for_status()
        body = {**BODY, "messages": [{"role": "user", "content": "pong " * 10}]}
        answers = list(threads.map(lambda _: user.post("/v1/chat/completions", json=body), range(24)))
        used = [answer.json()["usage"]["total_tokens"] for answer in answers if answer.status_code == 200]
        refused = [answer.json()["error"] for answer in answers if answer.status_code == 429]
        assert used and len(used) + len(refused) == 24, [answer.text for answer in answers]
        assert {error["context"]["limit_type"] for error in refused} == {"tokens_per_minute"}
        assert sum(used) <= 100, "what calls may take is reserved, and what they did not take is given back"
        stats = user.get(f"/user/rate-limits/usage/{key_id}").json()["usage_stats"]
        assert stats["tokens"] == sum(used) and stats["requests"] == len(used)


def test_8_4_4_bulk_update(gateway: GatewayProcess) -> None:
    key = gateway.create_user("bulk@example.com")
    with client(gateway, key) as user:
        user.post("/user/api-keys", json={"key_name": "second"}).raise_for_status()
        changed = user.post("/user/rate-limits/bulk-update", json={"rate_limits": {"requests_per_hour": 7}}).json()
        assert changed["updated_count"] == 2 and changed["updated_config"]["requests_per_hour"] == 7


def test_24_3_4_set_limit(gateway: GatewayProcess) -> None:
    admin, key = gateway.create_user("boss@example.com", "--role", "admin"), gateway.create_user("them@example.com")
    with client(gateway, admin) as boss:
        done = boss.post("/admin/limit", json={"api_key": key, "rate_limits": {"requests_per_minute": 2}})
        assert done.status_code == 200 and done.json()["rate_limits"]["requests_per_minute"] == 2
        assert boss.post("/admin/limit", json={"api_key": "gw_live_none", "requests_per_day": 1}).status_code == 404
    with client(gateway, key) as user:
        assert user.post("/admin/limit", json={"api_key": key, "requests_per_day": 1}).status_code == 403
    assert [chat(gateway, key).status_code for _ in range(3)] == [200, 200, 429]


def test_keys_make_only_so_many_calls(gateway: GatewayProcess) -> None:
    with client(gateway, gateway.create_user("bounded@example.com")) as user:
        made = user.post("/user/api-keys", json={"key_name": "three", "max_requests": 3})
        key = made.json()["api_key"]
    answers = [chat(gateway, key) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    error = answers[-1].json()["error"]
    assert int(answers[-1].headers["retry-after"]) > 60 and "3 calls" in error["message"]


def test_2_3_sign_ins_of_one_address_are_limited(tmp_path: Path) -> None:
    limits = {**LIMITS, "endpoints": {"auth": {"requests": 10, "window_s": 900}}}
    with GatewayProcess(tmp_path, config(limits=limits)) as gateway:
        answers = [httpx.post(f"{gateway.base}/auth", json={"token": "x", "user": {}}) for _ in range(11)]
    assert 429 not in [answer.status_code for answer in answers[:10]]
    assert answers[-1].status_code == 429 and 1 <= int(answers[-1].headers["retry-after"]) <= 900


def test_making_keys_is_limited_for_each_user(tmp_path: Path) -> None:
    limits = {**LIMITS, "endpoints": {"api_keys": {"requests": 2, "window_s": 3600, "scope": "user"}}}
    with GatewayProcess(tmp_path, config(limits=limits)) as gateway:
        for email in ("maker@example.com", "other@example.com"):
            with client(gateway, gateway.create_user(email)) as user:
                made = [user.post("/user/api-keys", json={"key_name": f"k{number}"}) for number in range(3)]
            assert [answer.status_code // 100 for answer in made] == [2, 2, 4], [answer.text for answer in made]
            assert made[-1].status_code == 429 and int(made[-1].headers["retry-after"]) > 60
