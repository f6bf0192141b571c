"""The MCP endpoint where its SDK is not installed, and what that means to a configuration."""

from types import SimpleNamespace
from typing import Any

import pytest

from gatewayz.areas.tools.mcp_endpoint import McpMissing, serve_mcp
from gatewayz.config.sections import mcp
from gatewayz.config.settings import Settings


@pytest.fixture(autouse=True)
def not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mcp, "is_mcp_installed", lambda: False)


@pytest.mark.parametrize("enabled", [None, True])
async def test_it_is_missing_and_says_how_to_get_it(enabled: bool | None) -> None:
    settings = Settings(mcp=mcp.Mcp(enabled=enabled))
    call: Any = SimpleNamespace(edition=SimpleNamespace(settings=settings))
    with pytest.raises(McpMissing, match=r"pip install 'gatewayz\[mcp\]'") as told:
        await serve_mcp(call)
    assert (told.value.status, told.value.code) == (404, "MCP_NOT_AVAILABLE")


async def test_switched_off_it_says_so() -> None:
    call: Any = SimpleNamespace(edition=SimpleNamespace(settings=Settings(mcp=mcp.Mcp(enabled=False))))
    with pytest.raises(McpMissing, match="switched off"):
        await serve_mcp(call)
