import asyncio
from typing import Any

import msgspec
import pytest

from gatewayz.loader.tool_fence import FencedTool
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.tools import SearchArguments, ToolFailed, ToolOutcome


class Scripted:
    description = "Does as it is told."
    arguments: Any = SearchArguments
    is_available: Any = True

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    async def run(self, arguments: Any) -> ToolOutcome:
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        if self.outcome == "hang":
            await asyncio.sleep(60)
        found: ToolOutcome = self.outcome
        return found


ASKED = SearchArguments(query="x")


async def test_outcomes_become_plain_values() -> None:
    class Hit(msgspec.Struct):
        title: str

    fenced = FencedTool("search", Scripted(ToolOutcome(result={"hits": (Hit(title="a"),)}, metadata={"key": b"x"})))
    outcome = await fenced.run(ASKED)
    assert (outcome.result, outcome.metadata) == ({"hits": ({"title": "a"},)}, {"key": "eA=="})


@pytest.mark.parametrize(
    "outcome", [ValueError("secret"), SystemExit(1), None, {}, ToolOutcome(result={"x": object()})]
)
async def test_what_is_foreign_or_junk_is_a_failed_tool(outcome: Any) -> None:
    with pytest.raises(ToolFailed) as failed:
        await FencedTool("search", Scripted(outcome)).run(ASKED)
    assert failed.value.failure == "unexpected" and "secret" not in failed.value.message


async def test_a_tool_says_itself_why_it_failed() -> None:
    with pytest.raises(ToolFailed) as failed:
        await FencedTool("search", Scripted(ToolFailed("No key.", "configuration"))).run(ASKED)
    assert failed.value.failure == "configuration"


async def test_a_tool_that_hangs_is_cut_off() -> None:
    with pytest.raises(ToolFailed) as failed:
        await FencedTool("search", Scripted("hang"), deadline_s=0.01).run(ASKED)
    assert failed.value.failure == "timeout"


@pytest.mark.parametrize(("name", "over"), [("a.b", {}), ("a", {"description": " "}), ("a", {"arguments": dict})])
def test_what_cannot_be_described_is_refused(name: str, over: dict[str, Any]) -> None:
    tool = Scripted(None)
    for field, value in over.items():
        setattr(tool, field, value)
    with pytest.raises(ConfigurationError):
        FencedTool(name, tool)
