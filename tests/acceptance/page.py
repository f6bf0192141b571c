"""`docs/conformance.md`: which test proves which case. `python -m tests.acceptance.page > docs/conformance.md`.

The page lists proofs, not results: all of them run in `make test`, which fails when one does.
"""

import sys
from itertools import groupby
from typing import Final

from tests.acceptance.cases import CASES, Case
from tests.acceptance.proofs import PROOFS

__all__ = ["PAGE", "page"]

PAGE: Final = "docs/conformance.md"
_HEAD: Final = """# Conformance: the 308 acceptance cases

The product was asked for with a list of numbered cases. Each is proven over HTTP against a really started server, in
every run of `make test`: a red one is a red build. The cases with their requests and expectations are
`tests/acceptance/cases.yaml`; those that one request decides are driven from there, those that take more steps have
a test of their own. `make acceptance-full` drives them against three processes on one PostgreSQL and one Valkey,
each request to the next process.

    .venv/bin/python -m pytest tests/acceptance          # the cases that one request decides
    .venv/bin/python -m pytest -k "25_5" tests/live      # one of the others
"""


def page() -> str:
    """Return the page."""
    sections = groupby(CASES.values(), key=lambda case: int(case["section"].split(".")[0]))
    return _HEAD + "".join(_section(number, list(cases)) for number, cases in sections)


def _section(number: int, cases: list[Case]) -> str:
    rows = "".join(_row(case) for case in cases)
    return f"\n## Section {number}\n\n| case | what | request | proof |\n|---|---|---|---|\n{rows}"


def _row(case: Case) -> str:
    proof = PROOFS.get(case["id"], f"tests/acceptance/test_cases.py::test_case[{case['id']}]")
    return f"| {case['id']} | {case['title']} | `{case['method']} {case['path']}` | `{proof}` |\n"


if __name__ == "__main__":
    sys.stdout.write(page())
