"""Guardrails of a started gateway, in both formats, streamed or not."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

MODEL = "acme/stub"
CARD = "4111 1111 1111 1111"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[StubUpstream, httpx.Client]]:
    with stub_upstream() as stub:
        config: dict[str, Any] = {
            "plugins": ["providers.*", "routers.*", "billing.*", "guardrails.*"],
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": stub.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {MODEL: {"price": {"input": "100", "output": "200"}, "offers": {"stub": {}}}},
            "billing": {"use": "credits"},
            "guardrails": {
                "size": {"use": "prompt_size", "max_characters": 200, "keys": {"999": 5}},
                "cards": {"use": "pii_redaction", "action": "block", "kinds": ["credit_card"]},
                "privacy": {"use": "pii_redaction"},
            },
        }
        with GatewayProcess(tmp_path_factory.mktemp("guardrails"), config) as gateway:
            headers = {"authorization": f"Bearer {gateway.create_user('caller@example.com', '--credits', '5')}"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield stub, client


def body(text: str, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "max_tokens": 9, "messages": [{"role": "user", "content": text}], **more}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_calls_are_masked_or_refused(place: tuple[StubUpstream, httpx.Client], path: str, stream: bool) -> None:
    stub, client = place
    answer = client.post(path, json=body("I am jo@example.com", stream=stream))
    assert answer.status_code == 200, answer.text
    assert "[EMAIL]" in str(stub.seen[-1].body) and "jo@" not in str(stub.seen[-1].body)
    sent, balance = len(stub.seen), client.get("/user/balance").json()["credits"]
    for text, told in ((f"my card is {CARD}", "credit card"), ("x" * 201, "at most 200")):
        refused = client.post(path, json=body(text, stream=stream))
        assert refused.status_code == 400 and told in refused.text and CARD not in refused.text
        assert "guardrail_blocked" in refused.text
        assert refused.headers["content-type"] == "application/json"
    assert len(stub.seen) == sent and client.get("/user/balance").json()["credits"] == balance


def test_other_formats_are_read_too(place: tuple[StubUpstream, httpx.Client]) -> None:
    stub, client = place
    answer = client.post("/v1/responses", json={"model": MODEL, "input": "I am jo@example.com"})
    assert answer.status_code == 200 and "[EMAIL]" in str(stub.seen[-1].body)


def test_what_a_session_holds_is_read_too(place: tuple[StubUpstream, httpx.Client]) -> None:
    stub, client = place
    session = client.post("/v1/chat/sessions", json={"title": "old"}).json()
    session_id = session.get("data", session)["id"]
    kept = client.post(
        f"/v1/chat/sessions/{session_id}/messages", json={"role": "user", "content": "I am jo@example.com"}
    )
    assert kept.status_code in (200, 201), kept.text
    answer = client.post("/v1/chat/completions", json=body("who am I?", session_id=session_id))
    assert answer.status_code == 200, answer.text
    assert "[EMAIL]" in str(stub.seen[-1].body) and "jo@" not in str(stub.seen[-1].body)
