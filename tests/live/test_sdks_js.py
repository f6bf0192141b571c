"""OpenAI's and Anthropic's JavaScript SDKs and Vercel's AI SDK, run by node against the gateway."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.node_packages import Node
from tests.fakes.said import Call, Said, say, take_turns
from tests.live.conftest import Live

pytestmark = pytest.mark.timeout(180)

GPT = "openai/gpt-4o-mini"
CHAT_ONLY = "mistralai/mistral-7b-instruct:free"
CLAUDE = "anthropic/claude-sonnet-4.5"
PARIS = Call(id="call_paris", name="get_weather", arguments='{"city": "Paris"}')
ROME = Call(id="call_rome", name="get_weather", arguments='{"city": "Rome"}')


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    yield Node(tmp_path_factory.mktemp("js"))


def run(node: Node, live: Live, script: str, model: str, **more: str) -> Any:
    return node.run(script, {"BASE": live.gateway.base, "KEY": live.key, "MODEL": model, **more})


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_openai_chat(node: Node, live: Live, model: str) -> None:
    shown = run(node, live, "openai_chat.mjs", model)
    assert (shown["text"], shown["model"]) == ("pong", model) and shown["request_id"]


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_openai_tools_in_a_stream(node: Node, live: Live, model: str) -> None:
    live.openai.behave = live.anthropic.behave = say(Said(text="Let me look.", calls=(PARIS, ROME)))
    shown = run(node, live, "openai_chat_stream.mjs", model)
    assert shown["text"] == "Let me look." and shown["finish_reason"] == "tool_calls" and shown["pieces"] > 2
    assert shown["calls"] == [[call.id, call.name, call.arguments] for call in (PARIS, ROME)]
    assert shown["usage"] == 11


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_openai_tool_loop(node: Node, live: Live, model: str) -> None:
    live.openai.behave = live.anthropic.behave = take_turns(Said(calls=(PARIS, ROME)), Said(text="Warm in Rome."))
    assert run(node, live, "openai_run_tools.mjs", model) == {"text": "Warm in Rome.", "asked": ["Paris", "Rome"]}


def test_openai_embeddings(node: Node, live: Live) -> None:
    assert run(node, live, "openai_embeddings.mjs", "text-embedding-3-small") == [[0.5, 0.0], [0.5, 1.0]]


@pytest.mark.parametrize("model", [GPT, CHAT_ONLY, CLAUDE])
def test_openai_responses(node: Node, live: Live, model: str) -> None:
    shown = run(node, live, "openai_responses.mjs", model)
    assert shown["streamed"] == shown["whole"] == "pong" and shown["status"] == "completed"
    assert shown["kinds"][0] == "response.created" and shown["kinds"][-1] == "response.completed"
    assert "response.content_part.added" in shown["kinds"]


@pytest.mark.parametrize("model", [GPT, CLAUDE])
def test_openai_errors(node: Node, live: Live, model: str) -> None:
    whole = say(Said(text="Once upon a time there was a stream that ended."))

    def stops(seen: Any) -> Any:
        status, headers, pieces = whole(seen)
        return status, headers, pieces[:6]

    live.openai.behave = live.anthropic.behave = stops
    shown = run(node, live, "openai_errors.mjs", model)
    assert shown["errors"] == [
        ["AuthenticationError", 401, "invalid_api_key", "string"],
        ["NotFoundError", 404, "model_not_found", "string"],
    ]
    assert shown["broken"] == "APIError"


@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_anthropic_messages(node: Node, live: Live, model: str) -> None:
    shown = run(node, live, "anthropic_messages.mjs", model)
    assert (shown["text"], shown["model"], shown["stop"]) == ("pong", model, "end_turn")
    assert shown["request_id"] and shown["counted"] > 0


@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_anthropic_stream(node: Node, live: Live, model: str) -> None:
    live.openai.behave = live.anthropic.behave = say(Said(text="Let me look.", calls=(PARIS, ROME)))
    shown = run(node, live, "anthropic_stream.mjs", model)
    assert shown["text"] == "Let me look." and shown["stop"] == "tool_use" and shown["pieces"] > 2
    assert shown["calls"] == [
        ["call_paris", "get_weather", {"city": "Paris"}],
        ["call_rome", "get_weather", {"city": "Rome"}],
    ]
    assert shown["usage"] == [9, 2]


@pytest.mark.parametrize("model", [CLAUDE, GPT])
def test_anthropic_tool_runner(node: Node, live: Live, model: str) -> None:
    live.openai.behave = live.anthropic.behave = take_turns(Said(calls=(PARIS, ROME)), Said(text="Warm in Rome."))
    assert run(node, live, "anthropic_tool_runner.mjs", model) == {"text": "Warm in Rome.", "asked": ["Paris", "Rome"]}
    if model == GPT:
        roles = [[message["role"] for message in seen.body["messages"]] for seen in live.openai.seen]
        assert roles == [["user"], ["user", "assistant", "tool", "tool"]]


def test_ai_sdk(node: Node, live: Live) -> None:
    live.openrouter.behave = say(Said(text='{"city": "Paris", "celsius": 12.5}'))
    live.anthropic.behave = take_turns(Said(calls=(PARIS,)), Said(text="Cool."))
    shown = run(node, live, "ai_sdk.mjs", GPT, JSON_MODEL=CHAT_ONLY, TOOL_MODEL=CLAUDE)
    answer = {"text": "pong", "streamed": "pong", "finish": "stop", "tokens": 11}
    assert shown["responses"] == shown["chat"] == answer
    assert shown["object"] == {"city": "Paris", "celsius": 12.5}
    assert shown["loop"] == {"text": "Cool.", "asked": ["Paris"]}
    assert [seen.path for seen in live.openai.seen] == ["/v1/responses"] * 2 + ["/v1/chat/completions"] * 2
