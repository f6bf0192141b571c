"""The routing data as what the scorer learns from: features, a domain, and how well small and strong models did.

Strong and small models differ from file to file, so gains are compared inside a task only.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from gatewayz_plugins.routers.prompt_score.features import features_of
from gatewayz_plugins.routers.prompt_score.tokens import looked_at, tokens_of

__all__ = ["FILES", "Prompt", "examples", "hashes", "prompt_of", "prompts"]

MIXTRAL_CLASS: Final = {
    "chat_judged": (
        "Mixtral-8x7B-Instruct-v0.1", "gpt-3.5-turbo-1106", "gpt-3.5-turbo", "Starling-LM-7B-alpha", "claude-instant-1",
        "openchat_3.5", "vicuna-33b-v1.3", "Llama-2-70b-chat",
    ),
    "knowledge_multiple_choice": ("mixtral-8x7b-instruct-v0.1",),
    "three_tasks_with_costs": (
        "mistralai/mixtral-8x7b-chat", "gpt-3.5-turbo-1106", "zero-one-ai/Yi-34B-Chat", "claude-instant-v1",
        "meta/llama-2-70b-chat", "claude-v1",
    ),
    "mixed_qa_code_math": (
        "qwen2.5-7b-instruct", "llama-3.1-8b-instruct", "gemma-2-9b-it", "mistral-7b-instruct-v0.3",
    ),
    "math_hard": (
        "Meta-Llama-3-8B-Instruct", "Meta-Llama-3.1-8B-Instruct", "gpt-3.5-turbo-0125", "claude-3-haiku-20240307",
        "Yi-1.5-34B-Chat", "Phi-3.5-mini-instruct", "reka-core-20240501", "Meta-Llama-3-70B-Instruct", "gemma-2-9b-it",
        "Qwen2-7B-Instruct",
    ),
    "code_output_prediction": (
        "Mixtral-8x7B-Instruct-v0.1", "Meta-Llama-3-8B-Instruct", "Meta-Llama-3.1-8B-Instruct", "gpt-3.5-turbo-0125",
        "Yi-1.5-34B-Chat", "Phi-3.5-mini-instruct", "reka-core-20240501", "gemma-2-9b-it", "Qwen2-7B-Instruct",
    ),
}  # fmt: skip
"""Small models of each file, about as able as Mixtral 8x7B."""
_FRONTIER: Final = (
    "gpt-4-turbo-2024-04-09", "gpt-4o-2024-05-13", "gpt-4o-2024-08-06", "claude-3-5-sonnet-20241022",
    "claude-3-5-sonnet-20240620", "chatgpt-4o-latest-24-09-07", "gemini-1.5-pro-exp-0827", "grok-2-1212",
    "Mistral-Large-2",
)  # fmt: skip
STRONG: Final = {
    "chat_judged": ("gpt-4-1106-preview", "gpt-4-0314"),
    "knowledge_multiple_choice": ("gpt-4-1106-preview",),
    "three_tasks_with_costs": ("gpt-4-1106-preview",),
    "mixed_qa_code_math": ("llama-3.1-nemotron-51b-instruct", "llama-3.3-nemotron-super-49b-v1"),
    "math_hard": _FRONTIER,
    "code_output_prediction": _FRONTIER,
}
"""Strong models of each file, about as able as GPT-4 where there are such."""
FILES: Final = tuple(f"{name}.jsonl.gz" for name in STRONG)
_DOMAINS: Final = {
    "chat": "", "mbpp": "code", "crux": "code", "math-l5": "math", "math": "math", "winogrande": "reasoning",
    "agentverse-logicgrid": "reasoning", "commongen": "",
    "moral_scenarios": "reasoning", "formal_logic": "reasoning", "logical_fallacies": "reasoning",
    "elementary_mathematics": "math", "high_school_mathematics": "math", "college_mathematics": "math",
    "abstract_algebra": "math", "high_school_statistics": "math",
}  # fmt: skip
"""Domain of a task, `knowledge` for all others. Empty for open-ended chat, which is about anything."""
_NOISY: Final = ("natural_qa", "trivia_qa", "commongen", "agentverse-logicgrid")
"""Tasks whose grades are not to be learned from: the data's own README says so."""


class Prompt(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a prompt. Its text is not."""

    task: str
    """Unique over all files; the subjects of `knowledge_multiple_choice` are one task."""
    subject: str
    domain: str
    """One of DOMAINS, or empty where it is not known."""
    features: list[float]
    tokens: list[str]
    characters: int
    strong: float | None
    """Mean quality of strong models, 0..1; None when it is not to be learned from."""
    small: float | None


def hashes(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file. Raises OSError."""
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES}


def prompts(folder: Path) -> list[Prompt]:
    """Return every prompt of the data, in the order of the files. Raises OSError."""
    return [_prompt(name, row) for name in STRONG for row in _rows(folder / f"{name}.jsonl.gz")]


def examples() -> list[Prompt]:
    """Return the prompts that were written by hand; nobody has graded answers to them."""
    content: dict[str, list[str]] = yaml.safe_load(Path(__file__).with_name("examples.yaml").read_text("utf-8"))
    return [prompt_of(str(text), task="examples", domain=domain) for domain, texts in content.items() for text in texts]


def prompt_of(
    text: str, *, task: str, domain: str, subject: str = "", strong: float | None = None, small: float | None = None
) -> Prompt:
    """Return what is kept of a text."""
    seen = looked_at(text)
    tokens = tokens_of(seen)
    return Prompt(
        task=task,
        subject=subject,
        domain=domain,
        features=features_of(seen, tokens),
        tokens=tokens,
        characters=len(text),
        strong=strong,
        small=small,
    )


def _rows(file: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _prompt(file: str, row: Mapping[str, Any]) -> Prompt:
    graded = row["task"] not in _NOISY
    subjects = file == "knowledge_multiple_choice"
    return prompt_of(
        row["prompt"],
        task=file if subjects else f"{file}/{row['task']}",
        subject=row["task"],
        domain=_DOMAINS.get(row["task"], "knowledge"),
        strong=_mean(row["scores"], STRONG[file]) if graded else None,
        small=_mean(row["scores"], MIXTRAL_CLASS[file]) if graded else None,
    )


def _mean(scores: Mapping[str, float], models: tuple[str, ...]) -> float | None:
    found = [scores[model] for model in models if scores.get(model) is not None]
    return sum(found) / len(found) if found else None
