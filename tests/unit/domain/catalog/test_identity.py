"""Which model a provider's own name means."""

import pytest

from gatewayz.domain.catalog.identity import Identifier, comparable

MAKERS = {"qwen-org": "qwen", "meta": "", "host": "", "zai-org": "z-ai"}
FAMILIES = {"llama": "meta-llama", "gpt-": "openai", "gpt-neo": "eleutherai", "qwen": "qwen"}
IDS = (
    "meta-llama/llama-3.3-70b-instruct", "meta-llama/llama-3.1-405b", "qwen/qwen3-32b", "openai/gpt-4o", "z-ai/glm-4.7",
    "qwen/qwen-2.5-coder-32b-instruct",
)  # fmt: skip


@pytest.mark.parametrize(
    ("native", "model"),
    [
        ("Qwen-Org/Qwen3-32B", "qwen/qwen3-32b"),
        ("Qwen-Org/Qwen3-32B-FP8", "qwen/qwen3-32b"),
        ("qwen3-32b", "qwen/qwen3-32b"),
        ("accounts/fireworks/models/llama-v3p3-70b-instruct", "meta-llama/llama-3.3-70b-instruct"),
        ("@cf/meta/llama-3.3-70b-instruct-fp8", "meta-llama/llama-3.3-70b-instruct"),
        ("meta-llama/Meta-Llama-3.1-405B", "meta-llama/llama-3.1-405b"),
        ("zai-org/GLM-4_7", "z-ai/glm-4.7"),
        ("qwen2.5-coder-32b-instruct", "qwen/qwen-2.5-coder-32b-instruct"),
        ("host/gpt-4o", "openai/gpt-4o"),
        ("gpt-neo-20b", "eleutherai/gpt-neo-20b"),
        ("Acme Labs/Own Model", "acme-labs/own-model"),
        ("gpt-4o:free", "openai/gpt-4o:free"),
    ],
)
def test_spellings(native: str, model: str) -> None:
    assert Identifier(MAKERS, FAMILIES, IDS).canonical(native) == model


def test_an_untuned_model_is_not_its_tuned_sister() -> None:
    found = Identifier(MAKERS, FAMILIES, IDS)
    assert found.canonical("meta/llama-3.3-70b") == "meta-llama/llama-3.3-70b"
    assert found.canonical("meta/llama-3.1-405b-instruct") == "meta-llama/llama-3.1-405b", "where only that is known"


def test_a_name_that_says_nothing_of_its_maker() -> None:
    found = Identifier(MAKERS, FAMILIES, IDS)
    assert found.canonical("tuned-7b") is None and found.canonical("host/") is None
    assert found.canonical("tuned-7b", maker="lab") == "lab/tuned-7b"


def test_of_several_alike_the_shortest_is_meant_and_each_keeps_its_own_name() -> None:
    found = Identifier({}, {"m": "v"}, ["v/m-1-basic", "v/m-1"])
    assert found.canonical("m.1") == "v/m-1" and found.canonical("v/m-1-basic") == "v/m-1-basic"


def test_comparable_names() -> None:
    assert comparable("Meta-Llama-3.1-8B-Instruct") == comparable("llama-v3p1-8b-instruct") == "llama-3-1-8b"
    assert comparable("Qwen3-Next-FP8-TEE") == "qwen3-next" and comparable("a") != comparable("b")
