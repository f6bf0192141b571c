"""llmock as every upstream: the real provider plugins, its scripted faults, and its verdict on us as a client."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import anthropic
import httpx
import msgspec
import openai
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.mock_servers import LlMock, llmock

GPT = "openai/gpt-4o"
"""Offered by openai as `gpt-4o` and by openrouter as `openai/gpt-4o`."""
CLAUDE = "anthropic/claude-sonnet-4.5"
GEMINI = "test/gemini"
COMMAND = "cohere/command-a"
COMMAND_R = "test/command-r"
"""At no other provider."""
GROQ = "test/llama"
GROQ_SMALL = "test/llama-small"
PRICE = {"input": 1, "output": 2, "source": "test", "date": "2026-11-25"}
MODELS = {GPT: "openai", CLAUDE: "anthropic", GEMINI: "gemini", COMMAND: "cohere", GROQ: "groq"}
"""Model to the provider as llmock names it."""
PING: Any = [{"role": "user", "content": "ping"}]
IDLE_S = 0.6
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tell the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@dataclass
class Mocked:
    """The gateway, the mock behind it, and a client that carries a key."""

    gateway: GatewayProcess
    mock: LlMock
    key: str
    client: httpx.Client

    def chat(self, model: str, **body: Any) -> httpx.Response:
        full = {"model": model, "messages": PING, "max_tokens": 64, **body}
        return self.client.post("/v1/chat/completions", json=full)

    def called(self) -> list[tuple[str, int]]:
        """The model and status of each request that the mock answered."""
        return [(request["model"], request["status"]) for request in self.mock.requests()]


@pytest.fixture(scope="module")
def mocked_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mocked]:
    with llmock() as mock:
        config = {
            "providers": {
                "openai": {"base_url": f"{mock.url}/v1", "api_key": "sk-1"},
                "openrouter": {"base_url": f"{mock.url}/v1", "api_key": "sk-2"},
                "anthropic": {"base_url": f"{mock.url}/anthropic/v1", "api_key": "sk-3"},
                "google-ai-studio": {"base_url": f"{mock.url}/gemini/v1beta", "api_key": "sk-4"},
                "cohere": {"base_url": f"{mock.url}/cohere", "api_key": "sk-5"},
                "groq": {"base_url": f"{mock.url}/groq/openai/v1", "api_key": "sk-6", "formats": ["openai_chat"]},
                "local": {"enabled": False},
            },
            "models": {
                GEMINI: {"price": PRICE, "offers": {"google-ai-studio": {"id": "gemini-2.0-flash"}}},
                COMMAND_R: {"price": PRICE, "offers": {"cohere": {"id": "command-r"}}},
                GROQ_SMALL: {"price": PRICE, "offers": {"groq": {"id": "llama-3.1-8b-instant"}}},
                GROQ: {"price": PRICE, "offers": {"groq": {"id": "llama-3.3-70b-versatile"}}},
            },
            "timeouts": {"idle_s": IDLE_S, "first_byte_s": 1.0},
            "breakers": {"recovery_s": 60},
        }
        with GatewayProcess(tmp_path_factory.mktemp("llmock"), config) as gateway:
            key = gateway.create_user()
            headers = {"authorization": f"Bearer {key}"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield Mocked(gateway, mock, key, client)


@pytest.fixture
def mocked(mocked_module: Mocked) -> Mocked:
    mocked_module.mock.reset()
    mocked_module.client.post("/circuit-breakers/reset-all").raise_for_status()
    return mocked_module


@pytest.fixture
def client(mocked: Mocked) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{mocked.gateway.base}/v1", api_key=mocked.key, max_retries=0) as made:
        yield made


def datas(text: str) -> list[str]:
    return [line[len("data: ") :] for line in text.split("\n") if line.startswith("data: ")]


def content(text: str) -> str:
    """The text of a chat stream."""
    chunks = [msgspec.json.decode(data) for data in datas(text) if data != "[DONE]"]
    return "".join(choice["delta"].get("content") or "" for chunk in chunks for choice in chunk.get("choices", ()))


# ---------------------------------------------------------------- every provider, good days


@pytest.mark.parametrize("model", MODELS)
def test_whole_answers(mocked: Mocked, client: openai.OpenAI, model: str) -> None:
    reply = client.chat.completions.create(model=model, messages=PING, max_tokens=64)
    assert (reply.choices[0].message.content or "").startswith("Hello! This is a mock response from")
    assert reply.choices[0].finish_reason == "stop" and reply.model == model
    assert reply.usage is not None and reply.usage.prompt_tokens > 0 and reply.usage.completion_tokens > 3
    assert [request["provider"] for request in mocked.mock.requests()] == [MODELS[model]]


@pytest.mark.parametrize("model", MODELS)
def test_streams(mocked: Mocked, client: openai.OpenAI, model: str) -> None:
    with client.chat.completions.stream(model=model, messages=PING, stream_options={"include_usage": True}) as stream:
        pieces = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()
    assert len(pieces) > 3 and "".join(pieces) == final.choices[0].message.content
    assert (final.choices[0].message.content or "").startswith("Hello! This is a mock response from")
    assert final.usage is not None and final.usage.completion_tokens > 3


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_a_tool_round_trip(mocked: Mocked, client: openai.OpenAI, model: str, stream: bool) -> None:
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Paris?"}]
    for turn in range(2):
        options: Any = {"model": model, "messages": messages, "tools": [TOOL], "max_tokens": 64}
        if stream:
            with client.chat.completions.stream(**options) as opened:
                choice: Any = opened.get_final_completion().choices[0]
        else:
            choice = client.chat.completions.create(**options).choices[0]
        if turn == 0:
            assert choice.finish_reason == "tool_calls" and choice.message.tool_calls[0].function.name == "get_weather"
            assert "city" in msgspec.json.decode(choice.message.tool_calls[0].function.arguments)
            call = choice.message.tool_calls[0]
            function = call.function.model_dump(include={"name", "arguments"})
            plain = {"id": call.id, "type": "function", "function": function}
            messages.append({"role": "assistant", "content": None, "tool_calls": [plain]})
            messages.append({"role": "tool", "tool_call_id": call.id, "content": "12 degrees"})
    assert choice.finish_reason == "stop" and choice.message.content.startswith("Hello!")


@pytest.mark.parametrize("model", [GPT, GEMINI, COMMAND, GROQ])
def test_structured_output(mocked: Mocked, client: openai.OpenAI, model: str) -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "weather", "schema": schema}}
    reply = client.chat.completions.create(model=model, messages=PING, response_format=form)
    assert set(msgspec.json.decode(reply.choices[0].message.content or "")) == {"city"}


def test_embeddings(mocked: Mocked, client: openai.OpenAI) -> None:
    reply = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert len(reply.data) == 2 and len(reply.data[0].embedding) > 8
    assert all(isinstance(number, float) for number in reply.data[0].embedding)


@pytest.mark.parametrize("model", MODELS)
def test_anthropics_sdk_towards_every_provider(mocked: Mocked, model: str) -> None:
    with (
        anthropic.Anthropic(base_url=mocked.gateway.base, api_key=mocked.key, max_retries=0) as client,
        client.messages.stream(model=model, max_tokens=64, messages=PING) as stream,
    ):
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text.startswith("Hello! This is a mock response from") and final.stop_reason == "end_turn"
    assert final.usage.input_tokens > 0 and final.usage.output_tokens > 3


@pytest.mark.parametrize("model", MODELS)
def test_responses_towards_every_provider(mocked: Mocked, client: openai.OpenAI, model: str) -> None:
    with client.responses.stream(model=model, input="ping") as stream:
        final = stream.get_final_response()
    assert final.output_text.startswith("Hello! This is a mock response from") and final.status == "completed"


# ---------------------------------------------------------------- errors before any content


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
@pytest.mark.parametrize("stream", [False, True])
def test_another_provider_takes_over(mocked: Mocked, status: int, stream: bool) -> None:
    # A model of its own for each status: a cooldown that was asked for outlasts the reset between tests.
    model = {429: "openai/gpt-4o-mini" if stream else "openai/gpt-4.1-mini"}.get(status, GPT)
    name = model.partition("/")[2]
    mocked.mock.script({"type": "fail", "status": status, "retry_after": 2, "match": {"model": name}})
    reply = mocked.chat(model, stream=stream)
    assert reply.status_code == 200 and reply.headers["x-provider"] == "openrouter"
    assert mocked.called() == [(name, status), (model, 200)]


def test_a_cooldown_lasts_as_long_as_retry_after_says(mocked: Mocked) -> None:
    model, name = "openai/gpt-4.1", "gpt-4.1"
    mocked.mock.script({"type": "fail", "status": 429, "retry_after": 1, "match": {"model": name}})
    began = time.monotonic()
    providers: list[str] = []
    while not providers or providers[-1] == "openrouter":
        providers.append(mocked.chat(model).headers["x-provider"])
        assert time.monotonic() - began < 8
        time.sleep(0.05)
    assert time.monotonic() - began >= 1 and providers[-1] == "openai" and len(providers) > 3
    assert mocked.mock.verdict()["errors"] == 0


def test_the_only_providers_rate_limit_reaches_the_caller(mocked: Mocked) -> None:
    mocked.mock.script({"type": "fail", "status": 429, "retry_after": 3, "match": {"provider": "groq"}})
    first, second = mocked.chat(GROQ_SMALL), mocked.chat(GROQ_SMALL)
    for reply in (first, second):
        assert reply.status_code == 429 and 1 <= int(reply.headers["retry-after"]) <= 3
        assert reply.json()["error"]["type"] == "rate_limit_error"
    assert len(mocked.called()) == 1, "a provider in its cooldown is left alone"


@pytest.mark.parametrize("model", [GPT, CLAUDE, GEMINI, COMMAND])
def test_a_rejected_request_is_tried_once(mocked: Mocked, model: str) -> None:
    mocked.mock.script({"type": "fail", "status": 400, "message": "too purple", "times": 5})
    reply = mocked.chat(model)
    assert reply.status_code == 400 and "too purple" in reply.json()["error"]["message"]
    assert len(mocked.called()) == 1 and mocked.mock.verdict()["errors"] == 0


def test_a_breaker_opens_and_spares_the_provider(mocked: Mocked) -> None:
    mocked.mock.script({"type": "fail", "status": 500, "times": None, "match": {"provider": "cohere"}})
    statuses = [mocked.chat(COMMAND_R).status_code for _ in range(12)]
    assert statuses[:5] == [502] * 5 and set(statuses[5:]) <= {502, 503}
    assert mocked.client.get("/circuit-breakers/cohere").json()["state"] == "OPEN"
    assert 5 <= len(mocked.called()) <= 6, "beyond the threshold only a last resort may be tried"
    assert mocked.mock.verdict()["errors"] == 0


def test_a_slow_first_byte_is_a_timeout_and_fails_over(mocked: Mocked) -> None:
    mocked.mock.script({"type": "delay", "seconds": 3, "match": {"model": "gpt-4o"}})
    began = time.monotonic()
    assert mocked.chat(GPT).headers["x-provider"] == "openrouter"
    assert 1 <= time.monotonic() - began < 2.5


def test_many_callers_in_an_outage_make_no_storm(mocked: Mocked) -> None:
    mocked.mock.script({"type": "fail", "status": 503, "retry_after": 30, "times": None, "match": {"model": "gpt-4o"}})
    prompts = [[{"role": "user", "content": f"ping {number}"}] for number in range(64)]
    with ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(lambda messages: mocked.chat(GPT, messages=messages), prompts))
    assert {reply.status_code for reply in replies} == {200}
    assert len([1 for model, _ in mocked.called() if model == "gpt-4o"]) < 40
    assert mocked.mock.verdict()["errors"] == 0


# ---------------------------------------------------------------- streams that break


@pytest.mark.parametrize("kind", ["disconnect", "truncate", "stall", "malformed"])
def test_a_stream_that_breaks_before_content_fails_over(mocked: Mocked, kind: str) -> None:
    fault = {"type": "stream_fault", "kind": kind, "after_chunks": 1, "stall_seconds": 5}
    mocked.mock.script({**fault, "match": {"model": "gpt-4o", "stream": True}})
    reply = mocked.chat(GPT, stream=True)
    assert reply.headers["x-provider"] == "openrouter" and reply.text.endswith("data: [DONE]\n\n")
    assert content(reply.text) == "Hello! This is a mock response from openai/gpt-4o."


@pytest.mark.parametrize("kind", ["disconnect", "truncate", "stall", "malformed"])
@pytest.mark.parametrize("model", MODELS)
def test_a_stream_that_breaks_after_content_ends_in_one_error(mocked: Mocked, model: str, kind: str) -> None:
    mocked.mock.script({"type": "stream_fault", "kind": kind, "after_chunks": 5, "stall_seconds": 5})
    began = time.monotonic()
    reply = mocked.chat(model, stream=True)
    assert reply.status_code == 200 and time.monotonic() - began < 3
    *good, last = datas(reply.text)
    assert set(msgspec.json.decode(last)) == {"error"} and "[DONE]" not in good
    assert content(reply.text).startswith("Hello!")
    chunks = [msgspec.json.decode(data) for data in good]
    assert all(choice["finish_reason"] is None for chunk in chunks for choice in chunk["choices"])
    assert len(mocked.called()) == 1


@pytest.mark.parametrize("model", [CLAUDE, GPT, GEMINI])
def test_a_broken_stream_in_anthropics_words(mocked: Mocked, model: str) -> None:
    mocked.mock.script({"type": "stream_fault", "kind": "disconnect", "after_chunks": 5})
    body = {"model": model, "max_tokens": 64, "messages": PING, "stream": True}
    text = mocked.client.post("/v1/messages", json=body).text
    assert text.strip().split("\n\n")[-1].startswith("event: error\ndata: ") and "message_stop" not in text


def test_a_slow_first_token_within_its_limit_is_waited_for(mocked: Mocked) -> None:
    mocked.mock.script({"type": "slow_first_token", "seconds": IDLE_S / 2})
    reply = mocked.chat(GPT, stream=True)
    assert reply.headers["x-provider"] == "openai" and reply.text.endswith("data: [DONE]\n\n")


def test_broken_tool_arguments_are_relayed_as_they_came(mocked: Mocked, client: openai.OpenAI) -> None:
    for model in (GPT, GROQ):
        mocked.mock.script({"type": "tool_fault", "kind": "malformed_arguments"})
        reply = client.chat.completions.create(model=model, messages=PING, tools=[TOOL])
        arguments: Any = (reply.choices[0].message.tool_calls or [])[0]
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(arguments.function.arguments)
