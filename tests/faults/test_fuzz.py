"""Guarantee 12: no body makes an inference route fail.

`tests/live/test_documentation.py` sends generated requests to every other route.
"""

import json
import random
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, Final

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import stub_upstream

EXAMPLES: Final = 150
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
BODIES: Final[dict[str, dict[str, Any]]] = {
    "/v1/chat/completions": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "ping"}, IMAGE]}],
        "tools": [TOOL],
        "tool_choice": "auto",
        "response_format": {"type": "json_object"},
        "stream": False,
        "stream_options": {"include_usage": True},
        "stop": ["x"],
        "temperature": 0.5,
        "max_tokens": 5,
    },
    "/v1/completions": {"prompt": ["ping"], "max_tokens": 5, "n": 1, "stop": "x"},
    "/v1/responses": {
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "ping"}]}],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "reasoning": {"effort": "low"},
        "text": {"format": {"type": "text"}},
        "max_output_tokens": 20,
    },
    "/v1/embeddings": {"input": ["ping"], "encoding_format": "float", "dimensions": 3},
    "/v1/messages": {
        "max_tokens": 5,
        "system": [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral"}}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "ping"}]}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    },
}
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1e308, -1e308, 2**63, -(2**63) - 1, 10**400, 0.1]),
    st.text(max_size=12),
    st.sampled_from(["", "\x00", "\ud7ff", "user", "system", "tool", "auto", "data:,", "a" * 5_000]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.sampled_from(["type", "role", "content", "text", "name", "id", "input"]), inner, max_size=4),
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with stub_upstream() as upstream:
        price = {"input": "1", "output": "1"}
        config: dict[str, Any] = {
            "providers": {
                "openai": {"use": "openai_compatible", "base_url": upstream.url, "api_key": "k"},
                "anthropic": {"use": "anthropic", "base_url": upstream.url.removesuffix("/v1"), "api_key": "k"},
                "local": {"enabled": False},
            },
            "models": {
                "t/openai": {"price": price, "offers": {"openai": {}}},
                "t/anthropic": {"price": price, "offers": {"anthropic": {}}},
            },
        }
        with GatewayProcess(tmp_path_factory.mktemp("fuzz"), config) as gateway:
            headers = {"x-api-key": gateway.create_user(), "content-type": "application/json"}
            with httpx.Client(base_url=gateway.base, headers=headers, timeout=20) as client:
                yield client
            assert not [line for line in gateway.log if "Traceback" in line]


@pytest.mark.parametrize("model", ["t/openai", "t/anthropic"])
@pytest.mark.parametrize("path", BODIES)
def test_a_changed_body_is_never_our_fault(client: httpx.Client, path: str, model: str) -> None:
    faults: list[str] = []

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck]
    )
    @given(seed=st.integers(0, 2**32), value=VALUES, changes=st.integers(1, 3))
    def send(seed: int, value: Any, changes: int) -> None:
        body: Any = msgspec.json.decode(msgspec.json.encode({"model": model, **BODIES[path]}))
        dice = random.Random(seed)
        for _ in range(changes):
            _change(body, value, dice)
        content = json.dumps(body, ensure_ascii=False).encode()  # msgspec writes no integer beyond 64 bits
        client.post("/circuit-breakers/reset-all")
        answer = client.post(path, content=content)
        if answer.status_code == 500 or (answer.status_code >= 400 and "error" not in answer.json()):
            faults.append(f"{answer.status_code} {content[:500]!r} {answer.text[:200]}")

    send()
    assert faults == []


@settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=[*HealthCheck])
@given(seed=st.integers(0, 2**32), path=st.sampled_from(sorted(BODIES)))
def test_a_torn_body_is_never_our_fault(client: httpx.Client, seed: int, path: str) -> None:
    dice = random.Random(seed)
    content = bytearray(msgspec.json.encode({"model": "t/openai", **BODIES[path]}))
    for _ in range(dice.randint(1, 4)):
        place = dice.randrange(len(content))
        content[place : place + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
    answer = client.post(path, content=bytes(content))
    assert answer.status_code != 500, (bytes(content), answer.text)
    assert answer.status_code < 400 or "error" in answer.json()


def _change(body: Any, value: Any, dice: random.Random) -> None:
    """Put a value somewhere into a body, or take something out."""
    place = body
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = dice.choice(keys)
        if isinstance(place[key], dict | list) and dice.random() < 0.7:
            place = place[key]
            continue
        if dice.random() < 0.15:
            del place[key]
        else:
            place[key] = deepcopy(value)
        return
