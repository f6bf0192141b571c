"""The response cache of a started gateway, in both formats, streamed or not; switched on, off and cleared."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import anthropic
import httpx
import openai
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

MODEL = "acme/stub"
SOON_S = 20.0
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
SETTINGS = "/user/cache-settings"


class Place(NamedTuple):
    gateway: GatewayProcess
    stub: StubUpstream
    client: httpx.Client
    admin: dict[str, str]

    def ask(self, path: str = CHAT, text: str = "ping", **more: Any) -> httpx.Response:
        headers = more.pop("headers", None)
        body = {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": text}], **more}
        return self.client.post(path, json=body, headers=headers)

    def sent(self) -> int:
        return len(self.stub.seen)

    def balance(self) -> float:
        credits: float = self.client.get("/user/balance").json()["credits"]
        return credits


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with stub_upstream() as stub:
        config: dict[str, Any] = {
            "providers": {
                "chat": {"use": "openai_compatible", "base_url": stub.url, "api_key": "k"},
                "claude": {"use": "anthropic", "base_url": stub.url.removesuffix("/v1"), "api_key": "k"},
                "openai": {"base_url": stub.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {
                MODEL: {"price": {"input": "100", "output": "200"}, "offers": {"chat": {}}},
                "acme/claude": {"price": {"input": "100", "output": "200"}, "offers": {"claude": {}}},
            },
            "billing": {"use": "credits"},
            "response_cache": {"enabled": True},
            "usage_log": {"flush_s": 0.05},
        }
        with GatewayProcess(tmp_path_factory.mktemp("cache"), config) as gateway:
            key = gateway.create_user("caller@example.com", "--credits", "5")
            admin = gateway.create_user("admin@example.com", "--role", "admin")
            headers = {"authorization": f"Bearer {key}"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                client.put(SETTINGS, params={"enable_butter_cache": "true"}).raise_for_status()
                yield Place(gateway, stub, client, {"authorization": f"Bearer {admin}"})


def test_users_choose_and_see_that_it_is_on(place: Place) -> None:
    shown = place.client.get(SETTINGS).json()
    assert (shown["enable_butter_cache"], shown["system_enabled"]) == (True, True)
    place.client.put(SETTINGS, params={"enable_butter_cache": "false"}).raise_for_status()
    assert "x-cache" not in place.ask(text="chosen").headers
    place.client.put(SETTINGS, params={"enable_butter_cache": "true"}).raise_for_status()
    assert place.ask(text="chosen").headers["x-cache"] == "MISS"


@pytest.mark.parametrize("path", [CHAT, MESSAGES])
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", [MODEL, "acme/claude"])
def test_a_repeat_is_a_hit_in_every_format(place: Place, path: str, stream: bool, model: str) -> None:
    text = f"{path} {stream} {model}"
    before = place.sent()
    first = place.ask(path, text, model=model, stream=stream)
    left = place.balance()
    again = place.ask(path, text, model=model, stream=stream)
    assert (first.status_code, again.status_code) == (200, 200), first.text
    assert (first.headers["x-cache"], again.headers["x-cache"]) == ("MISS", "HIT"), again.text
    assert again.headers["content-type"] == first.headers["content-type"] and int(again.headers["age"]) >= 0
    assert place.sent() == before + 1 and place.balance() == left
    assert '"cache":"hit"' in again.text


def test_responses_and_embeddings_are_kept(place: Place) -> None:
    before = place.sent()
    for path, model in (("/v1/responses", MODEL), ("/v1/embeddings", "text-embedding-3-small")):
        answers = [place.client.post(path, json={"model": model, "input": "ping"}) for _ in range(2)]
        assert [each.headers["x-cache"] for each in answers] == ["MISS", "HIT"], answers[0].text
    assert place.sent() == before + 2


def test_sdks_read_hits(place: Place) -> None:
    key = place.client.headers["authorization"].removeprefix("Bearer ")
    hello: Any = [{"role": "user", "content": "from an SDK"}]
    with openai.OpenAI(base_url=f"{place.gateway.base}/v1", api_key=key, max_retries=0) as client:
        for _ in range(2):
            chunks = client.chat.completions.create(model=MODEL, messages=hello, stream=True)
            assert "".join(each.choices[0].delta.content or "" for each in chunks if each.choices) == "pong"
    with anthropic.Anthropic(base_url=place.gateway.base, api_key=key, max_retries=0) as claude:
        told = []
        for _ in range(2):
            with claude.messages.stream(model="acme/claude", max_tokens=9, messages=hello) as stream:
                told.append(stream.get_final_message())
    assert told[0].content == told[1].content and told[0].usage == told[1].usage


def test_the_receipt_and_the_reports_tell(place: Place) -> None:
    calls = [place.ask(text="receipts") for _ in range(2)]
    end = time.monotonic() + SOON_S
    while True:
        found = place.client.get("/v1/generation", params={"id": calls[1].headers["x-request-id"]})
        if found.status_code == 200 or time.monotonic() > end:
            break
        time.sleep(0.05)
    receipt = found.json()["data"]
    assert (receipt["cache"], receipt["attempts"], receipt["total_cost"]) == ("hit", [], 0)
    assert receipt["saved"] > 0 and receipt["reason"] == "answered from the response cache"
    report = place.client.get("/v1/analytics/cache", params={"days": 7}).json()
    summary = place.client.get("/v1/analytics/cache/summary").json()
    for shown in (report, summary):
        assert shown["system_enabled"] and shown["cache_enabled"] and shown["total_savings_usd"] > 0
        assert shown["total_requests"] == shown["cache_hits"] + shown["cache_misses"] and shown["cache_hits"] >= 1
    assert report["top_cached_models"][0]["model"] == MODEL
    everybody = httpx.get(f"{place.gateway.base}/v1/analytics/cache/summary").json()
    assert everybody["cache_hits"] >= summary["cache_hits"] and not everybody["cache_enabled"]


def test_callers_may_want_a_new_answer(place: Place) -> None:
    asked = [place.ask(text="fresh", headers={"cache-control": header}) for header in ("", "no-cache", "max-age=60")]
    assert [each.headers["x-cache"] for each in asked] == ["MISS", "MISS", "HIT"]
    assert "x-cache" not in place.ask(text="fresh", headers={"cache-control": "no-store"}).headers


def test_failures_are_not_kept(place: Place) -> None:
    place.stub.fail(400)
    assert place.ask(text="failing").status_code == 400
    place.stub.recover()
    assert place.ask(text="failing").headers["x-cache"] == "MISS"


def test_other_users_do_not_share(place: Place) -> None:
    place.ask(text="mine").raise_for_status()
    other = place.gateway.create_user("other@example.com", "--credits", "5")
    headers = {"authorization": f"Bearer {other}"}
    place.client.put(SETTINGS, params={"enable_butter_cache": "true"}, headers=headers).raise_for_status()
    assert place.ask(text="mine", headers=headers).headers["x-cache"] == "MISS"


@pytest.mark.parametrize("path", ["/admin/cache/answers/clear", "/admin/cache/clear"])
def test_administrators_clear(place: Place, path: str) -> None:
    place.ask(text="cleared").raise_for_status()
    assert place.ask(text="cleared").headers["x-cache"] == "HIT"
    assert place.client.post(path).status_code == 403
    place.client.post(path, headers=place.admin).raise_for_status()
    shown = place.client.get("/admin/cache/answers", headers=place.admin).json()
    assert shown["enabled"] and shown["entries"] == 0 and shown["hits"] > 0
    assert place.ask(text="cleared").headers["x-cache"] == "MISS"
