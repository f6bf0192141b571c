from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gatewayz.config.merge import merge
from gatewayz.config.tree import Tree

SCALARS = st.one_of(st.booleans(), st.integers(), st.text(max_size=3))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text("abc", min_size=1, max_size=1), inner, max_size=3)
    ),
    max_leaves=12,
)
MAPPINGS = st.dictionaries(st.text("abc", min_size=1, max_size=1), VALUES, max_size=3)


def tree(value: Any, file: str = "f") -> Tree:
    if isinstance(value, dict):
        return Tree(file, 1, {key: tree(held, file) for key, held in value.items()})
    if isinstance(value, list):
        return Tree(file, 1, [tree(held, file) for held in value])
    return Tree(file, 1, value)


def plain(held: Tree) -> Any:
    if isinstance(held.value, dict):
        return {key: plain(child) for key, child in held.value.items()}
    if isinstance(held.value, list):
        return [plain(child) for child in held.value]
    return held.value


def merged(base: Any, over: Any) -> Any:
    return plain(merge(tree(base, "base"), tree(over, "over")))


def test_mappings_merge_and_all_else_replaces() -> None:
    assert merged({"a": {"b": 1, "c": [1, 2]}, "d": 1}, {"a": {"c": [3]}, "e": 2}) == {
        "a": {"b": 1, "c": [3]},
        "d": 1,
        "e": 2,
    }


def test_null_removes_what_it_covers_and_nothing_else() -> None:
    assert merged({"a": {"b": 1, "c": 2}}, {"a": {"b": None}}) == {"a": {"c": 2}}
    assert merged({"a": 1}, {"b": None}) == {"a": 1, "b": None}


@given(MAPPINGS)
def test_nothing_over_it_changes_nothing(base: Any) -> None:
    assert merged(base, {}) == base
    assert merged({}, base) == base


@given(MAPPINGS)
def test_itself_over_it_changes_nothing(base: Any) -> None:
    assert merged(base, base) == base


@given(MAPPINGS, MAPPINGS)
def test_every_value_of_the_upper_layer_is_there_with_its_place(base: Any, over: Any) -> None:
    def check(written: Tree, found: Tree) -> None:
        if isinstance(written.value, dict):
            assert isinstance(found.value, dict)
            for key, child in written.value.items():
                check(child, found.value[key])
        else:
            assert found == written

    upper = tree(over, "over")
    check(upper, merge(tree(base, "base"), upper))


@given(MAPPINGS, MAPPINGS)
def test_every_value_of_the_lower_layer_that_is_not_covered_is_there(base: Any, over: Any) -> None:
    found = merged(base, over)
    assert {key: found[key] for key in base.keys() - over.keys()} == {
        key: base[key] for key in base.keys() - over.keys()
    }
