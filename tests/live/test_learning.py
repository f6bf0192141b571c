"""Routers that learn: feedback and ends of answers move the numbers shown, and then the choice."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import Answer, Seen, StubUpstream, stub_upstream
from tests.live.test_router_cases import BLUE, LIST, MODELS, ROUTERS

pytestmark = pytest.mark.xdist_group("routers")


class Stage:
    """A gateway whose routers learn quickly, and a client with a key."""

    def __init__(self, gateway: GatewayProcess, stub: StubUpstream) -> None:
        key = gateway.create_user("learner@example.com", "--credits", "5")
        self.base = gateway.base
        self.stub = stub
        self.client = httpx.Client(base_url=gateway.base, headers={"authorization": f"Bearer {key}"}, timeout=20)
        self.stranger = gateway.create_user("stranger@example.com", "--credits", "5")

    def ask(self, model: str, text: str, **members: Any) -> tuple[str, str]:
        """Return who answered, and the request's id."""
        body = {"model": model, "messages": [{"role": "user", "content": text}], **members}
        reply = self.client.post("/v1/chat/completions", json=body)
        assert reply.status_code == 200, reply.text
        return reply.headers["x-model"], reply.headers["x-request-id"]

    def say(self, kind: str, key: str | None = None, **members: Any) -> int:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        reply = self.client.post("/v1/chat/feedback", json={"feedback_type": kind, **members}, headers=headers)
        assert reply.status_code == 200, reply.text
        feedback_id: int = reply.json()["data"]["id"]
        return feedback_id

    def learnt(self, router: str) -> dict[str, tuple[int, int]]:
        learning = httpx.get(f"{self.base}/{router}-router/stats").json()["stats"]["learning"]
        counts: dict[str, tuple[int, int]] = {}
        for row in learning["abilities"]:
            content, not_content = counts.get(row["model"], (0, 0))
            counts[row["model"]] = content + row["content"], not_content + row["not_content"]
        return counts


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    learning = {"enabled": True, "strength": 1}
    with stub_upstream() as stub:
        config = {
            "plugins": ["providers.*", "routers.*", "billing.*"],
            "providers": {
                name: {"use": "openai_compatible", "base_url": stub.url, "api_key": "k"}
                for name in ("north", "south", "west")
            },
            "models": {name: {"context_length": 100_000, **entry} for name, entry in MODELS.items()},
            "billing": {"use": "credits"},
            "routers": {
                "default": {"use": "failover"},
                "general": {**ROUTERS["general"], "learning": learning},
                "code": {**ROUTERS["code"], "learning": learning},
            },
        }
        with GatewayProcess(tmp_path, config) as gateway:
            stage = Stage(gateway, stub)
            with stage.client:
                yield stage


@pytest.mark.parametrize(("name", "text"), [("general:quality", BLUE), ("code:quality", LIST)])
def test_thumbs_down_move_the_numbers_and_then_the_choice(stage: Stage, name: str, text: str) -> None:
    router = name.partition(":")[0]
    first, request_id = stage.ask(f"router:{name}", text)
    feedback_id = stage.say("thumbs_down", metadata={"request_id": request_id})
    assert stage.learnt(router)[first] == (0, 1)
    stage.client.put(f"/v1/chat/feedback/{feedback_id}", json={"feedback_type": "thumbs_up"}).raise_for_status()
    assert stage.learnt(router)[first] == (1, 0)
    stage.client.delete(f"/v1/chat/feedback/{feedback_id}").raise_for_status()
    assert stage.learnt(router)[first] == (0, 0)
    stage.say("thumbs_down", key=stage.stranger, metadata={"request_id": request_id})
    assert stage.learnt(router)[first] == (0, 0)
    for _ in range(20):
        answered, request_id = stage.ask(f"router:{name}", text)
        if answered != first:
            break
        stage.say("thumbs_down", metadata={"request_id": request_id})
    assert answered != first


def test_feedback_on_a_message_of_a_session_counts_for_its_call(stage: Stage) -> None:
    made = stage.client.post("/v1/chat/sessions", json={"title": "t"}).json()
    session_id = made["data"]["id"]
    model, _ = stage.ask("router:general:cost", BLUE, session_id=session_id)
    messages = stage.client.get(f"/v1/chat/sessions/{session_id}").json()["data"]["messages"]
    stage.say("thumbs_up", message_id=messages[-1]["id"])
    assert stage.learnt("general") == {model: (1, 0)}


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_was_cut_off_counts_unless_the_caller_wanted_it_short(stage: Stage, stream: bool) -> None:
    def cut(seen: Seen) -> Answer:
        choice = {"index": 0, "message": {"role": "assistant", "content": "po"}, "finish_reason": "length"}
        whole = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
        if not stream:
            return 200, {}, [msgspec.json.encode(whole)]
        chunk = {**whole, "choices": [{"index": 0, "delta": {"content": "po"}, "finish_reason": "length"}]}
        return 200, {}, [b"data: " + msgspec.json.encode(chunk) + b"\n\ndata: [DONE]\n\n"]

    stage.stub.behave = cut
    stage.ask("router:general:cost", BLUE, stream=stream, max_tokens=5)
    assert stage.learnt("general") == {}
    model, _ = stage.ask("router:general:cost", BLUE, stream=stream)
    assert stage.learnt("general") == {model: (0, 1)}
