"""Guarantee 5: whatever usage a provider claims, the charge is neither below nothing nor above the hold."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

MODEL = "acme/stub"
MAX_TOKENS = 1_000
PRICE_USD = 100
"""Of a million tokens, in and out: a call may cost a tenth of a dollar and a little for its prompt."""
CREDITS = 50.0
MOST_USD = 0.2
CLAIMS: list[str] = [
    '{"prompt_tokens": -5, "completion_tokens": -1000000, "total_tokens": -1000005}',
    '{"prompt_tokens": 10, "completion_tokens": -3, "total_tokens": 7}',
    '{"prompt_tokens": 1e308, "completion_tokens": 1e308, "total_tokens": 1e308}',
    '{"prompt_tokens": 99999999999999999999999, "completion_tokens": 1, "total_tokens": 1}',
    '{"prompt_tokens": 9223372036854775807, "completion_tokens": 9223372036854775807, "total_tokens": 1}',
    '{"prompt_tokens": "12", "completion_tokens": "many", "total_tokens": "x"}',
    '{"prompt_tokens": 1.5, "completion_tokens": 2.75, "total_tokens": 4.25}',
    '{"prompt_tokens": null, "completion_tokens": null, "total_tokens": null}',
    '{"prompt_tokens": true, "completion_tokens": [], "total_tokens": {}}',
    '{"prompt_tokens": NaN, "completion_tokens": Infinity, "total_tokens": 1}',
    '{"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": -900000}}',
    '{"prompt_tokens": 5, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 900000}}',
    '{"prompt_tokens": 5, "completion_tokens": 5, "completion_tokens_details": {"reasoning_tokens": 99999999}}',
    '{"prompt_tokens": 5, "completion_tokens": 5, "cost": -4, "total_cost": -1e9}',
    "[]",
    '"lots"',
    "null",
]


class Shop(NamedTuple):
    upstream: StubUpstream
    client: httpx.Client

    def balance(self) -> float:
        shown = self.client.get("/user/balance")
        assert shown.status_code == 200, shown.text
        return float(shown.json()["credits"])


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with stub_upstream() as upstream:
        config: dict[str, Any] = {
            "providers": {
                "stub": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "local": {"enabled": False},
            },
            "billing": {"use": "credits"},
            "models": {MODEL: {"price": {"input": PRICE_USD, "output": PRICE_USD}, "offers": {"stub": {}}}},
        }
        with GatewayProcess(tmp_path_factory.mktemp("hostile"), config) as gateway:
            key = gateway.create_user("user@example.com", "--credits", str(CREDITS))
            with httpx.Client(base_url=gateway.base, headers={"x-api-key": key}, timeout=20) as client:
                yield Shop(upstream, client)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("claim", CLAIMS)
def test_no_usage_credits_or_drains(shop: Shop, claim: str, stream: bool) -> None:
    shop.client.post("/circuit-breakers/reset-all").raise_for_status()
    shop.upstream.behave = lambda seen: (200, {}, list(_streamed(claim)) if stream else [_whole(claim)])
    before = shop.balance()
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": "ping"}],
        "max_tokens": MAX_TOKENS,
        "stream": stream,
    }
    answer = shop.client.post("/v1/chat/completions", json=body)
    assert answer.status_code in (200, 502), answer.text
    charged = before - shop.balance()
    assert -1e-9 <= charged <= MOST_USD
    if answer.status_code != 200:
        assert charged == pytest.approx(0, abs=1e-9), "failures are free"


def _whole(claim: str) -> bytes:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "pong"}}
    head = msgspec.json.encode({"id": "c", "object": "chat.completion", "model": "stub", "choices": [choice]})
    return head[:-1] + b',"usage":' + claim.encode() + b"}"


def _streamed(claim: str) -> Iterator[bytes]:
    chunk = {"id": "c", "object": "chat.completion.chunk", "model": "stub"}
    for delta, reason in (({"role": "assistant", "content": "pong"}, None), ({}, "stop")):
        choice = {"index": 0, "delta": delta, "finish_reason": reason}
        yield b"data: " + msgspec.json.encode({**chunk, "choices": [choice]}) + b"\n\n"
    last = msgspec.json.encode({**chunk, "choices": []})
    yield b"data: " + last[:-1] + b',"usage":' + claim.encode() + b"}\n\n"
    yield b"data: [DONE]\n\n"
