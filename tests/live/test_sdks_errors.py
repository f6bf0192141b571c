"""Errors as the SDKs see them: the class, the words, and what their own retries do."""

import time
from typing import Any

import anthropic
import httpx
import msgspec
import openai
import pytest

from tests.live.conftest import Live

GPT = "openai/gpt-4o-mini"
CLAUDE = "anthropic/claude-sonnet-4.5"
ONE_UPSTREAM = {"openrouter": "mistralai/mistral-7b-instruct:free"}
PING: Any = [{"role": "user", "content": "ping"}]


def ask_openai(client: openai.OpenAI, model: str = GPT, **options: Any) -> Any:
    return client.chat.completions.create(model=model, messages=PING, **options)


def ask_anthropic(client: anthropic.Anthropic, model: str = CLAUDE, **options: Any) -> Any:
    return client.messages.create(model=model, max_tokens=16, messages=PING, **options)


def fail_everywhere(live: Live, status: int, message: str, **headers: str) -> None:
    for stub in (live.openai, live.anthropic, live.openrouter):
        stub.fail(status, message, **headers)


def upstream_calls(live: Live) -> int:
    return len(live.openai.seen) + len(live.anthropic.seen) + len(live.openrouter.seen)


def test_bad_request(live: Live, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic) -> None:
    with pytest.raises(openai.BadRequestError) as first:
        ask_openai(openai_client, temperature=9)
    assert first.value.param == "temperature" and first.value.type == "invalid_request_error"
    with pytest.raises(anthropic.BadRequestError) as second:
        ask_anthropic(anthropic_client, extra_body={"temperature": 9})
    assert "temperature" in second.value.message and upstream_calls(live) == 0
    for error in (first.value, second.value):
        assert error.response.headers["x-should-retry"] == "false" and error.request_id


def test_a_rejection_by_the_upstream_keeps_its_words(
    live: Live, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    fail_everywhere(live, 400, "the prompt is longer than I am")
    with pytest.raises(openai.BadRequestError, match="longer than I am"):
        ask_openai(openai_client)
    with pytest.raises(anthropic.BadRequestError, match="longer than I am"):
        ask_anthropic(anthropic_client)
    assert upstream_calls(live) == 2


@pytest.mark.parametrize("key", ["gw_live_" + "x" * 43, "sk-something-else", "ä" * 8])
def test_authentication(live: Live, key: str) -> None:
    with openai.OpenAI(base_url=f"{live.gateway.base}/v1", api_key="sk-wrong") as client:
        for call in (ask_openai, lambda client: client.models.list(), lambda client: client.models.retrieve(GPT)):
            with pytest.raises(openai.AuthenticationError) as first:
                call(client)
            assert first.value.code == "invalid_api_key"
    with (
        anthropic.Anthropic(base_url=live.gateway.base, api_key="sk-wrong") as client,
        pytest.raises(anthropic.AuthenticationError) as second,
    ):
        ask_anthropic(client)
    assert second.value.body["error"]["type"] == "authentication_error"  # type: ignore[index]
    for header in ("authorization", "x-api-key"):
        value = f"Bearer {key}" if header == "authorization" else key
        reply = httpx.post(
            f"{live.gateway.base}/v1/messages",
            json={},
            headers=[(header.encode(), value.encode())],
        )
        assert reply.status_code == 401 and reply.headers["x-should-retry"] == "false"
        assert reply.json()["error"]["type"] == "authentication_error"


def test_an_unknown_model_is_not_found(
    live: Live, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    for call in (
        lambda: ask_openai(openai_client, "nonexistent/model"),
        lambda: openai_client.responses.create(model="nonexistent/model", input="x"),
        lambda: openai_client.embeddings.create(model="nonexistent/model", input="x"),
        lambda: openai_client.completions.create(model="nonexistent/model", prompt="x"),
        lambda: openai_client.models.retrieve("nonexistent/model"),
    ):
        with pytest.raises(openai.NotFoundError) as first:
            call()
        assert first.value.code == "model_not_found" and "nonexistent/model" in first.value.message
        body: Any = first.value.body
        assert body.get("gateway_code", "MODEL_NOT_FOUND") == "MODEL_NOT_FOUND"
    for ask in (
        lambda: ask_anthropic(anthropic_client, "nonexistent/model"),
        lambda: anthropic_client.messages.count_tokens(model="nonexistent/model", messages=PING),
    ):
        with pytest.raises(anthropic.NotFoundError) as second:
            ask()
        assert second.value.body["error"]["type"] == "not_found_error"  # type: ignore[index]
        assert "nonexistent/model" in second.value.message
    assert upstream_calls(live) == 0


def test_a_rate_limit_of_every_upstream(
    live: Live, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    # Models of their own: a cooldown that an upstream asked for outlasts the reset between tests.
    fail_everywhere(live, 429, "slow down", retry_after="7")
    with pytest.raises(openai.RateLimitError) as first:
        ask_openai(openai_client, "openai/gpt-4.1-nano")
    with pytest.raises(anthropic.RateLimitError) as second:
        ask_anthropic(anthropic_client, "anthropic/claude-haiku-4.5")
    for error in (first.value, second.value):
        assert 1 <= int(error.response.headers["retry-after"]) <= 7
        assert error.response.headers.get("x-should-retry") != "false"
    assert second.value.body["error"]["type"] == "rate_limit_error"  # type: ignore[index]


def test_overload_of_every_upstream(
    live: Live, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    fail_everywhere(live, 503, "too busy")
    with pytest.raises(openai.InternalServerError) as first:
        ask_openai(openai_client)
    with pytest.raises(anthropic.APIStatusError) as second:
        ask_anthropic(anthropic_client)
    for error in (first.value, second.value):
        assert error.status_code == 503 and int(error.response.headers["retry-after"]) >= 1
    assert second.value.body["error"]["type"] == "overloaded_error"  # type: ignore[index]


def test_failures_of_every_upstream_are_a_bad_gateway(
    live: Live, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    fail_everywhere(live, 500, "kaputt")
    with pytest.raises(openai.InternalServerError) as first:
        ask_openai(openai_client)
    with pytest.raises(anthropic.InternalServerError) as second:
        ask_anthropic(anthropic_client)
    assert first.value.status_code == second.value.status_code == 502
    assert second.value.body["error"]["type"] == "api_error"  # type: ignore[index]


def test_the_openai_sdk_waits_as_long_as_retry_after_says(live: Live) -> None:
    model = ONE_UPSTREAM["openrouter"]

    def once(seen: Any) -> Any:
        live.openrouter.recover()
        return 429, {"retry_after": "1"}, [msgspec.json.encode({"error": {"message": "slow down"}})]

    live.openrouter.behave = once
    began = time.monotonic()
    with openai.OpenAI(base_url=f"{live.gateway.base}/v1", api_key=live.key, max_retries=2) as client:
        raw = client.chat.completions.with_raw_response.create(model=model, messages=PING)
    assert raw.retries_taken == 1 and 0.9 <= time.monotonic() - began < 5
    assert raw.parse().choices[0].message.content == "pong" and len(live.openrouter.seen) == 2


def test_the_anthropic_sdk_waits_as_long_as_retry_after_says(live: Live) -> None:
    def once(seen: Any) -> Any:
        live.openrouter.recover()
        return 503, {"retry_after": "1"}, [msgspec.json.encode({"error": {"message": "too busy"}})]

    live.openrouter.behave = once
    began = time.monotonic()
    with anthropic.Anthropic(base_url=live.gateway.base, api_key=live.key, max_retries=2) as client:
        raw = client.messages.with_raw_response.create(model=ONE_UPSTREAM["openrouter"], max_tokens=16, messages=PING)
    assert raw.retries_taken == 1 and 0.9 <= time.monotonic() - began < 5


def test_a_final_error_is_not_repeated(live: Live) -> None:
    fail_everywhere(live, 400, "no")
    with (
        openai.OpenAI(base_url=f"{live.gateway.base}/v1", api_key=live.key, max_retries=2) as client,
        pytest.raises(openai.BadRequestError),
    ):
        ask_openai(client)
    with (
        anthropic.Anthropic(base_url=live.gateway.base, api_key=live.key, max_retries=2) as other,
        pytest.raises(anthropic.BadRequestError),
    ):
        ask_anthropic(other)
    assert upstream_calls(live) == 2


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/chat", "/nothing", "/v1/messages/batches"])
def test_unknown_routes_are_json(live: Live, path: str) -> None:
    reply = live.client.post(path, json={})
    assert reply.status_code == 404 and reply.json()["error"]["message"]
    assert reply.headers["x-request-id"] == reply.headers["request-id"]


@pytest.mark.parametrize("path", ["/v1/models/openai%2Fgpt-4o-mini", "/v1/models/openai/gpt-4o-mini"])
def test_a_model_with_a_slash(live: Live, path: str) -> None:
    assert live.client.get(path).json()["id"] == GPT


def test_one_path_lists_models_for_both_sdks(
    live: Live, openai_client: openai.OpenAI, anthropic_client: anthropic.Anthropic
) -> None:
    page = openai_client.models.list(extra_query={"limit": 1000})
    assert page.object == "list" and {model.object for model in page.data} == {"model"}
    assert {GPT, CLAUDE} <= {model.id for model in page}
    listed = anthropic_client.models.list(limit=5)
    assert len(listed.data) == 5 and {model.type for model in listed.data} == {"model"} and listed.has_more
    everything = [model.id for model in anthropic_client.models.list(limit=100)]
    assert sorted(everything) == sorted(model.id for model in page.data)
    assert anthropic_client.models.retrieve(CLAUDE).type == "model"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/chat/completions", {"model": GPT, "messages": PING}),
        ("/v1/completions", {"model": GPT, "prompt": "ping"}),
        ("/v1/responses", {"model": GPT, "input": "ping"}),
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "ping"}),
        ("/v1/messages", {"model": CLAUDE, "max_tokens": 16, "messages": PING}),
        ("/v1/v1/messages?beta=true", {"model": CLAUDE, "max_tokens": 16, "messages": PING}),
        ("/v1/messages/count_tokens", {"model": CLAUDE, "messages": PING}),
        ("/v1/v1/messages/count_tokens", {"model": CLAUDE, "messages": PING}),
    ],
)
def test_both_ways_to_send_a_key_on_every_route(live: Live, path: str, body: dict[str, Any]) -> None:
    url = live.gateway.base + path
    assert httpx.post(url, json=body, headers={"x-api-key": live.key}).status_code == 200
    assert httpx.post(url, json=body, headers={"authorization": f"Bearer {live.key}"}).status_code == 200
    refused = httpx.post(url, json=body, headers={"x-api-key": "gw_live_nonsense"})
    assert refused.status_code == 401 and refused.headers["x-should-retry"] == "false"
