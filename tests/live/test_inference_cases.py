"""The numbered acceptance cases of inference, over HTTP against a started server.

Source: spec cases 3.1.1-3.1.5, 3.1.9, 3.2, 3.3, 5, 25.1-25.6, 25.18, 25.19.
"""

import time
from typing import Any

import anthropic
import httpx
import msgspec
import openai
import pytest

from tests.fakes.stub_upstream import chat_stream
from tests.live.conftest import RECOVERY_S, Live

PING = [{"role": "user", "content": "Reply with the single word pong."}]
LLAMA = "meta-llama/llama-3.3-70b-instruct"


def chat(live: Live, **body: Any) -> httpx.Response:
    full = {"model": "openai/gpt-4o-mini", "messages": PING, "max_tokens": 16, **body}
    return live.client.post("/v1/chat/completions", json=full)


def datas(text: str) -> list[str]:
    return [line[len("data: ") :] for line in text.split("\n") if line.startswith("data: ")]


def test_3_1_1_chat_completion(live: Live) -> None:
    reply = chat(live)
    assert reply.status_code == 200 and reply.headers["content-type"] == "application/json"
    shown = reply.json()
    assert shown["object"] == "chat.completion" and shown["choices"][0]["message"]["content"] == "pong"
    assert shown["usage"] == {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}
    assert shown["gateway_usage"]["provider"] == "openai" and shown["gateway_usage"]["cost_usd"] > 0
    assert reply.headers["x-provider"] == "openai" and reply.headers["x-request-id"] == reply.headers["request-id"]
    assert live.openai.seen[0].headers["authorization"] == "Bearer sk-openai-upstream"
    assert live.openai.seen[0].body["model"] == "gpt-4o-mini"


def test_3_1_2_and_25_18_stream_is_correct_sse(live: Live) -> None:
    reply = chat(live, stream=True)
    assert reply.status_code == 200 and reply.headers["content-type"].startswith("text/event-stream")
    assert all(event.startswith("data: ") for event in reply.text.strip().split("\n\n"))
    *chunks, last = datas(reply.text)
    assert last == "[DONE]"
    decoded = [msgspec.json.decode(chunk) for chunk in chunks]
    assert {chunk["object"] for chunk in decoded} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in decoded}) == 1 and {c["model"] for c in decoded} == {"openai/gpt-4o-mini"}
    assert decoded[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(c["choices"][0]["delta"].get("content") or "" for c in decoded) == "pong"
    assert [c["choices"][0]["finish_reason"] for c in decoded].count("stop") == 1
    assert decoded[-1]["gateway_usage"]["tokens_charged"] == 11
    assert live.openai.seen[0].body["stream_options"] == {"include_usage": True}


def test_3_1_3_json_mode(live: Live) -> None:
    reply = chat(live, response_format={"type": "json_object"})
    assert msgspec.json.decode(reply.json()["choices"][0]["message"]["content"]) == {"ok": True}
    assert live.openai.seen[0].body["response_format"] == {"type": "json_object"}


def test_3_1_4_tools(live: Live) -> None:
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
    shown = chat(live, tools=[tool], tool_choice="required").json()
    call = shown["choices"][0]["message"]["tool_calls"][0]
    assert call["function"]["name"] == "get_weather"
    assert msgspec.json.decode(call["function"]["arguments"]) == {"city": "Paris"}
    assert shown["choices"][0]["finish_reason"] == "tool_calls"
    assert live.openai.seen[0].body["tools"] == [tool] and live.openai.seen[0].body["tool_choice"] == "required"


def test_3_1_5_logprobs(live: Live) -> None:
    shown = chat(live, logprobs=True, top_logprobs=2).json()
    assert shown["choices"][0]["logprobs"]["content"][0]["token"] == "pong"
    assert live.openai.seen[0].body["top_logprobs"] == 2


def test_3_1_9_unknown_model(live: Live) -> None:
    reply = chat(live, model="nonexistent/model")
    assert reply.status_code == 404 and reply.headers["x-should-retry"] == "false"
    assert reply.json()["error"]["code"] == "model_not_found"
    near = chat(live, model="openai/gpt-4oo").json()["error"]
    assert "openai/gpt-4o" in near["context"]["suggested_models"]
    assert live.openai.seen == []


@pytest.mark.parametrize("credential", ["authorization", "x-api-key"])
def test_3_2_1_messages(live: Live, credential: str) -> None:
    value = live.key if credential == "x-api-key" else f"Bearer {live.key}"
    body = {"model": "claude-3.5-sonnet", "max_tokens": 64, "messages": PING}
    reply = httpx.post(f"{live.gateway.base}/v1/messages", json=body, headers={credential: value})
    shown = reply.json()
    assert reply.status_code == 200 and shown["type"] == "message" and shown["role"] == "assistant"
    assert shown["content"][0]["text"] == "pong" and shown["stop_reason"] == "end_turn"
    assert shown["usage"]["input_tokens"] == 9 and shown["model"] == "anthropic/claude-3.5-sonnet"
    assert live.anthropic.seen[0].headers["x-api-key"] == "sk-ant-upstream"
    assert "authorization" not in live.anthropic.seen[0].headers


def test_3_2_2_messages_stream(live: Live) -> None:
    body = {"model": "claude-3.5-sonnet", "max_tokens": 64, "messages": PING, "stream": True}
    reply = live.client.post("/v1/messages?beta=true", json=body)
    names = [line[len("event: ") :] for line in reply.text.split("\n") if line.startswith("event: ")]
    assert names == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert "[DONE]" not in reply.text and '"gateway_usage"' in reply.text


def test_3_3_1_and_25_19_aliases(live: Live) -> None:
    for alias, model in (("gpt-4o", "openai/gpt-4o"), ("r1", "deepseek/deepseek-r1"), ("GPT-4o", "openai/gpt-4o")):
        reply = chat(live, model=alias)
        assert reply.json()["model"] == model and reply.headers["x-model"] == model
        assert reply.headers["x-requested-model"] == alias


def test_3_3_2_canonical_id(live: Live) -> None:
    assert chat(live, model="openai/gpt-4o").json()["model"] == "openai/gpt-4o"


def test_3_3_3_and_25_3_failover(live: Live) -> None:
    live.openai.fail(503)
    reply = chat(live, model="openai/gpt-4o")
    assert reply.status_code == 200 and reply.headers["x-provider"] == "openrouter"
    assert reply.json()["gateway_usage"]["provider"] == "openrouter"
    assert len(live.openai.seen) == 1 and len(live.openrouter.seen) == 1


def test_25_3_an_open_breaker_is_not_called(live: Live) -> None:
    live.openai.fail(500)
    for _ in range(5):
        assert chat(live, model="openai/gpt-4o").status_code == 200
    live.openai.seen.clear()
    assert chat(live, model="openai/gpt-4o").headers["x-provider"] == "openrouter"
    assert live.openai.seen == []


def test_25_4_a_400_is_tried_once(live: Live) -> None:
    live.openai.fail(400, "temperature is too hot")
    reply = chat(live, model="openai/gpt-4o")
    assert reply.status_code == 400 and "too hot" in reply.json()["error"]["message"]
    assert len(live.openai.seen) == 1 and live.openrouter.seen == [] and live.anthropic.seen == []


def test_5_breaker_endpoints(live: Live) -> None:
    listed = live.client.get("/circuit-breakers").json()
    assert listed["total_count"] == len(listed["circuit_breakers"]) == listed["closed_count"] >= 3
    one = live.client.get("/circuit-breakers/openrouter").json()
    assert one["provider"] == "openrouter" and one["state"] == "CLOSED" and one["failure_count"] == 0
    assert live.client.get("/circuit-breakers/never-seen").json()["state"] == "CLOSED"
    reset = live.client.post("/circuit-breakers/openrouter/reset").json()
    assert reset["success"] and reset["state"]["state"] == "CLOSED"
    everything = live.client.post("/circuit-breakers/reset-all").json()
    assert everything["success"] and everything["reset_count"] >= 3


def test_25_5_and_25_6_breaker_opens_and_recovers(live: Live) -> None:
    live.openrouter.fail(500)
    body = {"model": "mistralai/mistral-7b-instruct:free"}
    for _ in range(5):
        assert chat(live, **body).status_code == 502
    view = live.client.get("/circuit-breakers/openrouter").json()
    assert view["state"] == "OPEN" and view["failure_count"] >= 5 and view["seconds_until_retry"] >= 0
    deadline = time.monotonic() + RECOVERY_S + 5
    while live.client.get("/circuit-breakers/openrouter").json()["state"] == "OPEN":
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert live.client.get("/circuit-breakers/openrouter").json()["state"] == "HALF_OPEN"
    live.openrouter.recover()
    for _ in range(2):
        assert chat(live, **body).status_code == 200
    assert live.client.get("/circuit-breakers/openrouter").json()["state"] == "CLOSED"


def test_25_1_openai_sdk(live: Live) -> None:
    client = openai.OpenAI(base_url=f"{live.gateway.base}/v1", api_key=live.key, max_retries=0)
    whole = client.chat.completions.create(model="openai/gpt-4o-mini", messages=PING)  # type: ignore[arg-type]
    assert whole.choices[0].message.content == "pong"
    with client.chat.completions.stream(model="gpt-4o-mini", messages=PING) as stream:  # type: ignore[arg-type]
        assert stream.get_final_completion().choices[0].message.content == "pong"
    assert "openai/gpt-4o-mini" in {model.id for model in client.models.list(extra_query={"limit": 1000})}
    assert client.models.retrieve("openai/gpt-4o-mini").id == "openai/gpt-4o-mini"
    assert client.embeddings.create(model="text-embedding-3-small", input=["a", "b"]).data[1].embedding == [0.5, 1.0]
    answer = client.responses.create(model="openai/gpt-4o-mini", input="ping")
    assert answer.output_text == "pong"
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="nonexistent/model", messages=PING)  # type: ignore[arg-type]
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(base_url=f"{live.gateway.base}/v1", api_key="gw_live_" + "x" * 43, max_retries=0).models.list()


def test_25_2_anthropic_sdk(live: Live) -> None:
    for base in (live.gateway.base, f"{live.gateway.base}/v1"):
        client = anthropic.Anthropic(base_url=base, api_key=live.key, max_retries=0)
        whole = client.messages.create(model="claude-3.5-sonnet", max_tokens=64, messages=PING)  # type: ignore[arg-type]
        assert whole.content[0].text == "pong"  # type: ignore[union-attr]
        with client.messages.stream(model="claude-3.5-sonnet", max_tokens=64, messages=PING) as stream:  # type: ignore[arg-type]
            assert "".join(stream.text_stream) == "pong"
        assert client.messages.count_tokens(model="claude-3.5-sonnet", messages=PING).input_tokens > 3  # type: ignore[arg-type]
        assert next(iter(client.models.list(limit=5))).type == "model"
        with pytest.raises(anthropic.NotFoundError) as missing:
            client.messages.create(model="nonexistent/model", max_tokens=64, messages=PING)  # type: ignore[arg-type]
        assert "nonexistent/model" in str(missing.value)


def test_messages_to_an_openai_model_are_translated(live: Live) -> None:
    client = anthropic.Anthropic(base_url=live.gateway.base, api_key=live.key, max_retries=0)
    with client.messages.stream(model="openai/gpt-4o", max_tokens=64, messages=PING) as stream:  # type: ignore[arg-type]
        assert "".join(stream.text_stream) == "pong"
    assert live.openai.seen[0].path == "/v1/chat/completions"


def test_chat_to_an_anthropic_model_is_translated(live: Live) -> None:
    client = openai.OpenAI(base_url=f"{live.gateway.base}/v1", api_key=live.key, max_retries=0)
    with client.chat.completions.stream(model="claude-3.5-sonnet", messages=PING) as stream:  # type: ignore[arg-type]
        final = stream.get_final_completion()
    assert final.choices[0].message.content == "pong" and live.anthropic.seen[0].path == "/v1/messages"


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b'{"model": "gpt-4o", "messages": [', 400, None),
        (b"[]", 400, None),
        (b'{"model": "gpt-4o"}', 400, "messages"),
        (b'{"model": 3, "messages": [{"role":"user","content":"x"}]}', 400, "model"),
        (b'{"model": "gpt-4o", "messages": [{"role":"emperor","content":"x"}]}', 400, "messages[0].role"),
        (b'{"model": "gpt-4o", "messages": [{"role":"user","content":"x"}], "temperature": 9}', 400, "temperature"),
        (b'{"model": "gpt-4o", "messages": [{"role":"user","content":"x"}], "max_tokens": NaN}', 400, None),
    ],
)
def test_bad_bodies_name_what_is_wrong(live: Live, body: bytes, status: int, param: str | None) -> None:
    reply = live.client.post("/v1/chat/completions", content=body, headers={"content-type": "application/json"})
    assert reply.status_code == status
    error = reply.json()["error"]
    assert error["param"] == param and error["message"] and error["request_id"] == reply.headers["x-request-id"]
    assert live.openai.seen == []


def test_statuses_come_in_their_order(live: Live) -> None:
    url = f"{live.gateway.base}/v1/chat/completions"
    huge = b" " * (21 * 1024 * 1024)
    assert httpx.post(url, content=b"{").status_code == 401
    assert httpx.post(url, content=b"{", headers={"x-api-key": "gw_live_nonsense"}).status_code == 401
    assert live.client.post(url, content=b"<x/>", headers={"content-type": "text/xml"}).status_code == 415
    assert live.client.post(url, content=huge, headers={"content-type": "application/json"}).status_code == 413
    assert live.client.get(url).status_code == 405
    assert live.client.get("/v1/nothing").json()["error"]["code"] == "ENDPOINT_NOT_FOUND"


def test_a_caller_that_leaves_closes_the_upstream(live: Live) -> None:
    def slow(seen: Any) -> Any:
        first, *rest = chat_stream("m", ["po"] * 3)
        return 200, {}, [first, rest[0], 30.0, *rest[1:]]

    live.openai.behave = slow
    body = {"model": "gpt-4o", "messages": PING, "stream": True}
    with live.client.stream("POST", "/v1/chat/completions", json=body) as reply:
        assert next(reply.iter_lines()).startswith("data: ")
        left = time.monotonic()
    assert live.openai.seen[0].hung_up.wait(2)
    assert time.monotonic() - left < 1.0


def test_a_silent_stream_is_kept_alive(live: Live) -> None:
    def slow(seen: Any) -> Any:
        pieces = list(chat_stream("m", ["pong"]))
        return 200, {}, [2.2, *pieces]

    live.openai.behave = slow
    reply = chat(live, stream=True)
    assert reply.text.startswith(":") and "pong" in reply.text and reply.text.endswith("data: [DONE]\n\n")


def test_a_reload_changes_what_is_served_and_a_bad_file_changes_nothing(live: Live) -> None:
    path = live.gateway.path
    before = path.read_text()
    try:
        path.write_text(before + "\naliases: {my-name: openai/gpt-4o}\n")
        deadline = time.monotonic() + 10
        while chat(live, model="my-name").status_code != 200:
            assert time.monotonic() < deadline, live.gateway.log[-5:]
            time.sleep(0.1)
        path.write_text(before + "\nserver: {prot: 1}\n")
        deadline = time.monotonic() + 10
        while not any("prot" in line for line in live.gateway.log):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert chat(live, model="my-name").status_code == 200
    finally:
        path.write_text(before)
