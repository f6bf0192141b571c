"""Every case has a proof, and the page that lists them is the newest."""

import ast
from pathlib import Path

import pytest

from tests.acceptance.cases import CASES
from tests.acceptance.page import PAGE, page
from tests.acceptance.proofs import PROOFS

ROOT = Path(__file__).parents[2]


def test_there_are_308_cases() -> None:
    assert len(CASES) == 308


def test_every_behaviour_has_a_proof() -> None:
    assert {case_id for case_id, case in CASES.items() if case["kind"] == "behaviour"} == set(PROOFS)


@pytest.mark.parametrize("case_id", sorted(PROOFS))
def test_the_proof_exists(case_id: str) -> None:
    file, _, name = PROOFS[case_id].partition("::")
    path = ROOT / file
    assert path.exists(), file
    functions = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}
    assert name in functions


def test_the_page_is_the_newest() -> None:
    assert (ROOT / PAGE).read_text() == page(), f"write it again: python -m tests.acceptance.page > {PAGE}"
