"""Every numbered case that one request decides, in order, against one started gateway."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.acceptance.cases import CASES, differences
from tests.acceptance.preparations import sent
from tests.acceptance.world import World, world


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("acceptance")) as made:
        yield made


@pytest.fixture(autouse=True)
def recovered(place: World) -> Iterator[None]:
    yield
    place.upstream.recover()


@pytest.mark.parametrize("case_id", [case_id for case_id, case in CASES.items() if case["kind"] == "http"])
def test_case(place: World, case_id: str) -> None:
    case = CASES[case_id]
    repeat: dict[str, Any] = case.get("repeat") or {"count": 1}
    answer: httpx.Response | None = None
    if case["key"] == "fresh_user":
        place.renew("fresh_user")
    first = sent(place, case, 0)
    for number in range(repeat["count"]):
        request = first if number == 0 else _again(place, case_id, first, number)
        answer = place.request(**request)
        if number < repeat["count"] - 1:
            assert answer.status_code in repeat["expect_earlier"], f"call {number + 1}: {answer.text[:300]}"
    assert answer is not None
    assert differences(case, answer) == []
    if case["expect_body"] != "text":
        place.answers[case_id] = answer.json()


def _again(place: World, case_id: str, first: dict[str, Any], number: int) -> dict[str, Any]:
    """Return the request once more, by the same person, with other numbers in it."""
    case = CASES[case_id]
    again = sent(place, {**case, "id": "", "key": "none"}, number)
    return {**first, **({"json": again["json"]} if "json" in again else {})}
