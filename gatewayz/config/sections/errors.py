"""Settings of the error monitor."""

from string import Formatter
from typing import Final

from gatewayz.config.sections.base import Positive, PositiveInt, Section

__all__ = ["ErrorFix", "ErrorMonitor"]

_WORDS: Final = frozenset({"provider", "model", "key_variable"})


class ErrorMonitor(Section, frozen=True, kw_only=True):
    """What is kept of errors; see `docs/error-monitor.md`."""

    enabled: bool = True
    max_patterns: PositiveInt = 1_000
    """Those seen last are kept."""
    keep_days: PositiveInt = 7
    """Patterns that were not seen for so long are forgotten."""
    exchange_s: Positive = 2.0
    """How often a process writes what it saw and reads what the others wrote."""


class ErrorFix(Section, frozen=True, kw_only=True):
    """What an operator does about errors of a kind; every condition that is given must fit."""

    errors: tuple[str, ...]
    """Codes of the gateway, or names of exceptions."""
    statuses: tuple[int | None, ...] = ()
    """What the provider answered with; null is nothing at all. Empty: whatever it was."""
    fix: str
    """`{provider}`, `{model}` and `{key_variable}` stand for those of the error."""

    def __post_init__(self) -> None:
        """Raise ValueError for a placeholder that nothing is known for."""
        named = {name for _, name, _, _ in Formatter().parse(self.fix) if name is not None}
        if unknown := sorted(named - _WORDS):
            raise ValueError(f"fix: there is no {', '.join(unknown)} to fill in")
