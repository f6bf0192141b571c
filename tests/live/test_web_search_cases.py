"""`auto_web_search` in calls: what was found goes to the provider, what became of it is told, money holds."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream
from tests.fakes.tool_services import ToolServices, tool_services

pytestmark = pytest.mark.xdist_group("web_search")
MODEL, SMALL = "acme/stub", "acme/small"
PRICE = {"input": "1", "output": "2"}
QUESTION = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What is  the latest\nnews?"}]
TIMELESS = [{"role": "user", "content": "Write a haiku about moss."}]


class Running(NamedTuple):
    upstream: StubUpstream
    services: ToolServices
    client: httpx.Client

    def ask(self, path: str = "/v1/chat/completions", **body: Any) -> httpx.Response:
        sent = {"model": MODEL, "max_tokens": 16, "messages": QUESTION, **body}
        return self.client.post(path, json={name: value for name, value in sent.items() if value is not None})

    def sent(self) -> dict[str, Any]:
        """Return what the provider was last sent."""
        return self.upstream.seen[-1].body


@pytest.fixture(scope="module")
def running_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with stub_upstream() as upstream, tool_services() as services:
        config: dict[str, Any] = {
            "plugins": ["providers.*", "routers.*", "billing.*", "tools.*"],
            "tools": {"web_search": {"use": "tavily", "base_url": services.url, "api_key": "tvly-secret"}},
            "providers": {
                "first": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {
                MODEL: {"price": PRICE, "context_length": 32_000, "offers": {"first": {}}},
                SMALL: {"price": PRICE, "context_length": 128, "offers": {"first": {}}},
            },
            "catalog_snapshot": False,
            "limits": {"enabled": True, "endpoints": {"tools": {"requests": 1000, "window_s": 60, "scope": "address"}}},
        }
        with GatewayProcess(tmp_path_factory.mktemp("search"), config) as gateway:
            key = gateway.add_user("caller@example.com")["api_key"]
            headers = {"authorization": f"Bearer {key}"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield Running(upstream, services, client)


@pytest.fixture
def running(running_module: Running) -> Running:
    running_module.upstream.recover()
    running_module.upstream.seen.clear()
    running_module.services.status = 200
    running_module.services.seen.clear()
    return running_module


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("wish", [True, "auto"])
def test_what_was_found_is_put_first_in_a_chat(running: Running, wish: bool | str, stream: bool) -> None:
    answer = running.ask(auto_web_search=wish, stream=stream)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["x-web-search"], answer.headers["x-web-search-results"]) == ("used", "5")
    sent = running.sent()
    assert "auto_web_search" not in sent and sent["messages"][1:] == QUESTION
    context = sent["messages"][0]
    assert context["role"] == "system" and 'Search results for "What is the latest news?" (' in context["content"]
    assert "[5] Page 5" in context["content"] and "Source: https://pages.example/1" in context["content"]
    [(_, _, asked)] = running.services.seen
    assert asked["query"] == "What is the latest news?"


def test_messages_and_responses_are_searched_for_too(running: Running) -> None:
    system = "Be brief."
    answer = running.ask("/v1/messages", messages=QUESTION[1:], system=system, auto_web_search=True)
    assert (answer.status_code, answer.headers["x-web-search"]) == (200, "used"), answer.text
    said = [each["content"] for each in running.sent()["messages"] if each["role"] == "system"]
    assert "[1] Page 1" in str(said) and system in str(said)
    answer = running.ask(
        "/v1/responses", messages=None, max_tokens=None, input="Any news today?", auto_web_search="auto"
    )
    assert (answer.status_code, answer.headers["x-web-search"]) == (200, "used"), answer.text
    assert "[1] Page 1" in str(running.sent())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, None),
        ({"auto_web_search": False}, None),
        ({"auto_web_search": "auto", "messages": TIMELESS}, "not-needed"),
        ({"auto_web_search": "auto", "web_search_threshold": 1}, "not-needed"),
        ({"auto_web_search": True, "model": SMALL}, "no-room"),
    ],
)
def test_nothing_is_searched_when_it_is_not_asked_for(running: Running, more: dict[str, Any], told: str | None) -> None:
    answer = running.ask(**more)
    assert (answer.status_code, answer.headers.get("x-web-search")) == (200, told), answer.text
    assert not running.services.seen
    assert running.sent()["messages"] == more.get("messages", QUESTION)
    assert not {"auto_web_search", "web_search_threshold"} & running.sent().keys()


def test_the_threshold_decides_what_looks_timely(running: Running) -> None:
    answer = running.ask(auto_web_search="auto", web_search_threshold=0, messages=TIMELESS)
    assert answer.headers["x-web-search"] == "used"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"auto_web_search": "always"}, "auto_web_search"),
        ({"auto_web_search": 1}, "auto_web_search"),
        ({"auto_web_search": True, "web_search_threshold": 2}, "web_search_threshold"),
    ],
)
def test_unknown_wishes_are_refused(running: Running, more: dict[str, Any], param: str) -> None:
    answer = running.ask(**more)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)
    assert not running.services.seen and not running.upstream.seen


def test_formats_without_conversations_refuse_it(running: Running) -> None:
    for path, asked in (("/v1/embeddings", {"input": "x"}), ("/v1/completions", {"prompt": "x"})):
        answer = running.ask(path, messages=None, max_tokens=None, auto_web_search=True, **asked)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "auto_web_search"), answer.text
    assert not running.services.seen


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("status", "failure"), [(500, "api_error"), (429, "rate_limit"), (401, "authentication")])
def test_a_search_that_fails_is_told_and_costs_nothing(
    running: Running, status: int, failure: str, stream: bool
) -> None:
    running.services.status = status
    answer = running.ask(auto_web_search=True, stream=stream)
    assert answer.status_code == 200, answer.text
    assert (answer.headers["x-web-search"], answer.headers["x-web-search-error"]) == ("failed", failure)
    assert running.sent()["messages"] == QUESTION and "tvly-secret" not in answer.text


def test_a_session_keeps_what_was_said_and_not_what_was_found(running: Running) -> None:
    made = running.client.post("/v1/chat/sessions", json={"title": "Searched", "model": MODEL})
    session_id = made.json()["data"]["id"]
    answer = running.ask(auto_web_search=True, session_id=session_id)
    assert (answer.headers["x-web-search"], answer.headers["x-session-id"]) == ("used", str(session_id))
    kept = running.client.get(f"/v1/chat/sessions/{session_id}").json()["data"]["messages"]
    assert [each["role"] for each in kept] == ["user", "assistant"] and "Page 1" not in str(kept)


def test_a_repeat_is_answered_without_another_search(running: Running) -> None:
    for _ in range(2):
        answer = running.client.post(
            "/v1/chat/completions",
            json={"model": MODEL, "messages": QUESTION, "auto_web_search": True},
            headers={"idempotency-key": "search-once"},
        )
        assert answer.headers["x-web-search"] == "used"
    assert len(running.services.seen) == len(running.upstream.seen) == 1
