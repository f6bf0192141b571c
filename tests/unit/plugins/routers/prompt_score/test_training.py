"""The training command, on a small set made up here; and what the shipped weights say of theirs."""

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from gatewayz_plugins.routers.prompt_score import PromptScorer
from gatewayz_plugins.routers.prompt_score.weights import packaged_weights, read_weights

ROOT = Path(__file__).parents[5]
TRAIN = ROOT / "scripts" / "train_prompt_scorer.py"
SHIPPED = ROOT / "plugins" / "gatewayz_plugins" / "routers" / "prompt_score" / "weights.json"
MODELS = {
    "chat_judged": ("gpt-4-1106-preview", "Mixtral-8x7B-Instruct-v0.1"),
    "knowledge_multiple_choice": ("gpt-4-1106-preview", "mixtral-8x7b-instruct-v0.1"),
    "three_tasks_with_costs": ("gpt-4-1106-preview", "mistralai/mixtral-8x7b-chat"),
    "mixed_qa_code_math": ("llama-3.1-nemotron-51b-instruct", "qwen2.5-7b-instruct"),
    "math_hard": ("gpt-4o-2024-08-06", "gpt-3.5-turbo-0125"),
    "code_output_prediction": ("gpt-4o-2024-08-06", "gpt-3.5-turbo-0125"),
}
TASKS = {"mixed_qa_code_math": "math", "math_hard": "math-l5", "code_output_prediction": "crux", "chat_judged": "chat"}
SECRET = "zyzzyvas"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("routing")
    for number, (name, (strong, small)) in enumerate(MODELS.items()):
        rows = []
        for at in range(12):
            words = f"{SECRET} question {at} of {name}: " + "how many steps does this take, and why? " * (at % 4 + 1)
            choices = "\nA. one\nB. two\nAnswer:" if name == "knowledge_multiple_choice" else ""
            scores = {strong: 1.0, small: float((at + number) % 3 == 0)}
            rows.append({"id": at, "task": TASKS.get(name, "other"), "prompt": words + choices, "scores": scores})
        with gzip.open(found / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(f"{json.dumps(row)}\n" for row in rows)
    return found


def train(folder: Path, output: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TRAIN), "--data", str(folder), "--output", str(output), *options]
    return subprocess.run(command, capture_output=True, text=True, check=True)


def test_the_same_data_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    train(folder, first, "--no-evaluate")
    train(folder, second, "--no-evaluate")
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != SHIPPED.read_bytes()
    scorer = PromptScorer(read_weights(first.read_bytes()))
    assert scorer.score("How many steps does this take?") == scorer.score("How many steps does this take?")


def test_the_file_holds_no_word_of_a_prompt_and_no_path(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "weights.json"
    train(folder, output, "--no-evaluate")
    content = output.read_text()
    assert SECRET not in content
    assert str(folder) not in content
    assert set(read_weights(output.read_bytes()).data) == {f"{name}.jsonl.gz" for name in MODELS}


def test_other_data_gives_another_hash(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "data"
    other.mkdir()
    for file in folder.iterdir():
        (other / file.name).write_bytes(file.read_bytes())
    changed = other / "math_hard.jsonl.gz"
    changed.write_bytes(gzip.compress(gzip.decompress(changed.read_bytes()) * 2))
    train(folder, tmp_path / "a.json", "--no-evaluate")
    train(other, tmp_path / "b.json", "--no-evaluate")
    a, b = (read_weights((tmp_path / name).read_bytes()).data for name in ("a.json", "b.json"))
    assert [name for name in a if a[name] != b[name]] == ["math_hard.jsonl.gz"]


def test_the_shipped_weights_say_what_they_were_trained_from() -> None:
    card = (ROOT / "docs" / "routing" / "model-card.md").read_text(encoding="utf-8")
    data = packaged_weights().data
    assert set(data) == {f"{name}.jsonl.gz" for name in MODELS}
    for name, digest in data.items():
        assert re.fullmatch(r"[0-9a-f]{64}", digest)
        assert name in card
        assert digest in card


def test_the_shipped_weights_are_small() -> None:
    assert SHIPPED.stat().st_size < 4_000_000
