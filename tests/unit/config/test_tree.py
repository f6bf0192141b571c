import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.config.problems import Place, Problem
from gatewayz.config.tree import Template, Tree, locate, parse, scalar_from_text


def read(text: str) -> tuple[Tree, list[str]]:
    problems: list[Problem] = []
    tree = parse(text, "f.yaml", problems)
    return tree, [str(problem) for problem in problems]


def plain(tree: Tree) -> object:
    match tree.value:
        case dict():
            return {key: plain(child) for key, child in tree.value.items()}
        case list():
            return [plain(child) for child in tree.value]
    return tree.value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("+7", 7),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("2026-11-24", "2026-11-24"),
        ("1:30", "1:30"),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("1.2.3", "1.2.3"),
        (".", "."),
        ("-", "-"),
        ("nan", "nan"),
        (".inf", ".inf"),
        ("1e999999999", "1e999999999"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = scalar_from_text(text)
    assert found == value
    assert type(found) is type(value)


@given(st.text())
def test_any_text_is_some_scalar(text: str) -> None:
    assert isinstance(scalar_from_text(text), str | int | float | None)


def test_places_are_those_of_the_keys() -> None:
    tree, problems = read("a:\n  b: 1\n  c:\n  - x\n  - y: 2\n")
    assert problems == []
    assert locate(tree, ("a", "b")) == Place("f.yaml", 2)
    assert locate(tree, ("a", "c", 1, "y")) == Place("f.yaml", 5)
    assert locate(tree, ("a", "missing", "deeper")) == Place("f.yaml", 1)
    assert locate(tree, ("a", "c", 9)) == Place("f.yaml", 3)


def test_quoted_scalars_stay_text_and_keys_are_text() -> None:
    tree, problems = read("""1: "2"\n'true': 'false'\n? "3"\n: !!str 4\n""")
    assert problems == []
    assert plain(tree) == {"1": "2", "true": "false", "3": "4"}


def test_dollars_make_templates() -> None:
    tree, _ = read("a: ${X}\nb: '${X}'\n")
    assert plain(tree) == {"a": Template("${X}", True), "b": Template("${X}", False)}


def test_anchors_and_merge_keys() -> None:
    tree, problems = read("base: &b {x: 1, y: 2}\na: {<<: *b, y: 3}\nb: {<<: [*b, {z: 4}]}\n'<<': text\n")
    assert problems == []
    assert plain(tree) == {
        "base": {"x": 1, "y": 2},
        "a": {"y": 3, "x": 1},
        "b": {"x": 1, "y": 2, "z": 4},
        "<<": "text",
    }


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("a: 1\na: 2\n", "f.yaml:2: duplicate key 'a', first written on line 1"),
        ("a: [1, 2\nb: 3\n", "f.yaml:2: not YAML: while parsing a flow sequence, did not find expected ',' or ']'"),
        ("a: *nothing\n", "f.yaml:1: not YAML: found undefined alias"),
        ("a: \x01\n", "f.yaml:1: not YAML: control characters are not allowed"),
        ("a: !python/object:os.system x\n", "f.yaml:1: tags are not supported: !python/object:os.system"),
        ("a: !set {x: 1}\n", "f.yaml:1: tags are not supported: !set"),
        ("? [x]\n: 1\n", "f.yaml:1: a key must be text"),
        (
            "a: 1\n---\nb: 2\n",
            "f.yaml:2: not YAML: expected a single document in the stream, but found another document",
        ),
        ("a: {<<: 1}\n", "f.yaml:1: '<<' takes a mapping or a list of mappings"),
    ],
)
def test_what_is_not_understood_is_named_with_its_line(text: str, error: str) -> None:
    assert read(text)[1] == [error]


def test_an_anchor_inside_itself_ends() -> None:
    assert "nested too deeply" in read("a: &x\n  b: *x\n")[1][0]


def test_anchors_that_multiply_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatewayz.config.tree.MAX_NODES", 1000)
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    _, problems = read("\n".join(lines))
    assert any("too large" in problem for problem in problems)


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert plain(read("# nothing\n")[0]) == {}
