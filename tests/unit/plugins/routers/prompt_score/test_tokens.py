"""What is looked at of a prompt, and its tokens."""

from gatewayz_plugins.routers.prompt_score import load_scorer
from gatewayz_plugins.routers.prompt_score.tokens import HEAD, LONGEST, TAIL, looked_at, tokens_of


def test_a_long_text_is_read_at_its_ends_only() -> None:
    middle = "solve the equation and prove the theorem " * 50_000
    text = f"{'h' * HEAD}{middle}{'t' * TAIL}"
    seen = looked_at(text)
    assert len(seen) == HEAD + 1 + TAIL
    assert "equation" not in seen
    assert load_scorer().score(text) == load_scorer().score(f"{'h' * HEAD}{'z ' * 9_000}{'t' * TAIL}")


def test_what_is_looked_at_is_bounded_for_any_text() -> None:
    for text in ("x" * 10_000_000, "a b " * 1_000_000, "\n" * 3_000_000, "İ" * 1_000_000):
        seen = looked_at(text)
        assert len(seen) <= 2 * (HEAD + TAIL) + 1
        assert sum(map(len, tokens_of(seen))) <= len(seen)


def test_the_end_counts() -> None:
    padding = "lorem ipsum " * 2_000
    scorer = load_scorer()
    asked = scorer.score(f"{padding}\nWrite a Python function that parses this and returns a JSON string.")
    assert asked.domains["code"] > scorer.score(padding).domains["code"]


def test_swapped_letters_give_the_same_tokens() -> None:
    assert tokens_of("solve the equation") == tokens_of("sovle teh eqaution")
    assert tokens_of("solve") != tokens_of("prove")


def test_numbers_are_their_count_of_digits() -> None:
    assert tokens_of("42 17 365 3x 20% $5.50") == ["#2", "#2", "#3", "#1", "#2", "#1", "#2"]
    assert tokens_of("b0") == ["0b"]


def test_a_token_is_bounded() -> None:
    assert tokens_of("w" * 1_000) == ["w" * LONGEST]
