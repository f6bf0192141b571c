"""The fence round a tool: it gives a result that is JSON, or fails as a tool does."""

import asyncio
import re
from typing import Any, Final

import msgspec

from gatewayz.loader.faults import FOREIGN, Faults
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.tools import Tool, ToolFailed, ToolOutcome

__all__ = ["FencedTool"]

DEADLINE_S: Final = 60.0
_FUNCTION: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""Names that models may call. Source: OpenAI, API reference, tools."""


class FencedTool:
    """A tool that raises ToolFailed and nothing else. Raises ConfigurationError for one that cannot be described."""

    def __init__(self, name: str, inner: Tool, *, deadline_s: float = DEADLINE_S) -> None:
        described: Any = (inner.description, inner.arguments)
        if not _FUNCTION.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name for a function: letters, digits, '_' and '-', at most 64")
        if not (isinstance(described[0], str) and described[0].strip()):
            raise ConfigurationError(f"tool {name!r} has no description")
        if not (isinstance(described[1], type) and issubclass(described[1], msgspec.Struct)):
            raise ConfigurationError(f"the arguments of tool {name!r} must be a msgspec.Struct type")
        self.inner = inner
        self.description: str = described[0]
        self.arguments: type[msgspec.Struct] = described[1]
        self._faults = Faults(f"tool {name!r}")
        self._deadline_s = deadline_s

    @property
    def is_available(self) -> bool:
        """As `Tool.is_available`; a tool that cannot say is not."""
        try:
            return bool(self.inner.is_available)
        except FOREIGN as err:
            self._faults.log(err, "is_available")
            return False

    async def run(self, arguments: Any) -> ToolOutcome:
        """As `Tool.run`; the outcome is of plain values."""
        try:
            async with asyncio.timeout(self._deadline_s):
                outcome: Any = await self.inner.run(arguments)
            if not isinstance(outcome, ToolOutcome):
                raise TypeError(f"gave a {type(outcome).__name__}")
            plain = msgspec.to_builtins(outcome, str_keys=True)
            return ToolOutcome(result=dict(plain["result"]), metadata=dict(plain["metadata"]))
        except ToolFailed:
            raise
        except TimeoutError as err:
            raise ToolFailed("The tool took too long.", "timeout") from err
        except FOREIGN as err:  # a broken tool must not fail as the gateway
            self._faults.log(err, "run")
            raise ToolFailed("The tool failed.", "unexpected") from err
