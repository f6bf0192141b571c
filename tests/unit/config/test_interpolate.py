from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.config.interpolate import Interpolator
from gatewayz.config.tree import Template, Tree


def fill(text: str, *, plain: bool = True, **environ: str) -> object:
    interpolator = Interpolator(environ)
    value = interpolator.plain(Tree("f", 3, Template(text, plain)), ("a", "b"))
    if interpolator.problems:
        raise ValueError(str(interpolator.problems[0]))
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${PORT}", 8000),
        ("${PORT:-1}", 8000),
        ("${NONE:-9000}", 9000),
        ("${NONE:-}", ""),
        ("${EMPTY:-x}", "x"),
        ("${EMPTY}", ""),
        ("${FLAG}", True),
        ("${NONE:-null}", None),
        ("${RATE}", 2.5),
        ("http://${HOST}:${PORT}/", "http://h:8000/"),
        ("${NONE:-${HOST:-z}}", "h"),
        ("${NONE:-{a}}", "{a}"),
        ("$$5", "$5"),
        ("$5 and $", "$5 and $"),
        ("$${PORT}", "${PORT}"),
    ],
)
def test_references(text: str, value: object) -> None:
    found = fill(text, PORT="8000", EMPTY="", FLAG="true", RATE="2.5", HOST="h")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("secret", ["007", "1e5", "+5", "0x1F", "yes", "1_0", "9" * 40, "1.5e3", " 5", "-0"])
def test_text_that_could_not_be_told_back_stays_text(secret: str) -> None:
    assert fill("${KEY}", KEY=secret) == secret


@given(st.text().filter(lambda text: "\0" not in text))
def test_quoted_references_are_the_variable_itself(value: str) -> None:
    assert fill("${KEY}", plain=False, KEY=value) == value


@given(st.text().filter(lambda text: "\0" not in text))
def test_whole_numbers_can_be_told_back(value: str) -> None:
    found = fill("${KEY}", KEY=value)
    if isinstance(found, int) and not isinstance(found, bool):
        assert str(found) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NOPE}", "the environment variable NOPE is not set and ${NOPE} has no default"),
        ("${", "'${' is not closed by '}'"),
        ("${a b}", "not a reference: ${a b}"),
        ("${:-x}", "not a reference"),
        ("${file:/nonexistent/x}", "cannot read /nonexistent/x: No such file or directory"),
    ],
)
def test_errors_name_place_and_key(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=r"f:3: a\.b: ") as caught:
        fill(text)
    assert message in str(caught.value)


def test_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_bytes(b"s3cret\r\n")
    assert fill(f"${{file:{file}}}") == "s3cret"
    assert fill("${file:${DIR}/secret}", DIR=str(tmp_path)) == "s3cret"
    assert fill("${file:/nonexistent:-fallback}") == "fallback"
    file.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="not UTF-8"):
        fill(f"${{file:{file}}}")
    file.write_bytes(b"x" * (1024 * 1024 + 1))
    with pytest.raises(ValueError, match="longer than"):
        fill(f"${{file:{file}}}")
