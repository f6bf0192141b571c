"""Patterns as they are shown. Nothing here changes anything: the monitor repairs nothing by itself."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from gatewayz.areas.error_monitor.schema import PatternShown
from gatewayz.domain.error_patterns.error_patterns import ErrorPatterns
from gatewayz.domain.error_patterns.pattern import Example, Pattern

__all__ = ["ErrorPages"]

_ON_DASHBOARD: Final = 10
_NO_GENERATOR: Final = "Fixes are named, never made: an operator carries them out."


class ErrorPages:
    """The error monitor's pages.

    :param is_detailed: for administrators: with file, line, stack trace, and what examples were about.
    """

    def __init__(self, errors: ErrorPatterns, now: datetime, *, is_detailed: bool) -> None:
        self._errors = errors
        self._now = now
        self._is_detailed = is_detailed

    def status(self) -> dict[str, Any]:
        """Return what runs by itself (17.1)."""
        return {"status": self._state(), "monitor": self._monitor()}

    def health(self) -> dict[str, Any]:
        """Return whether errors are seen and shared (17.2)."""
        return {
            "status": {"running": "healthy", "degraded": "degraded", "stopped": "disabled"}[self._state()],
            "timestamp": self._now,
            "monitoring_enabled": self._errors.is_enabled,
            "error_patterns_tracked": len(self._errors.patterns()),
            "autonomous_monitoring": self._monitor(),
            "bug_fix_generator": {"enabled": False, "generated_fixes": 0, "message": _NO_GENERATOR},
        }

    def dashboard(self) -> dict[str, Any]:
        """Return sums, and the latest of what matters (17.3)."""
        patterns = self._errors.patterns()
        critical, fixable = self._critical(patterns), self._fixable(patterns)
        return {
            "timestamp": self._now,
            "summary": {
                "total_patterns": len(patterns),
                "total_errors": _total(patterns),
                "critical_errors": len(critical),
                "fixable_errors": len(fixable),
                "generated_fixes": 0,
                "patterns_by_category": Counter(pattern.seen.category for pattern in patterns),
                "patterns_by_severity": Counter(pattern.seen.severity for pattern in patterns),
            },
            "recent_critical": self._shown(critical[:_ON_DASHBOARD]),
            "recent_fixable": self._shown(fixable[:_ON_DASHBOARD]),
            "recent_fixes": [],
        }

    def recent(self, hours: int, limit: int) -> dict[str, Any]:
        """Return what was seen lately (17.4)."""
        patterns = self._since(hours)
        return {"count": min(len(patterns), limit), "hours": hours, "errors": self._shown(patterns[:limit])}

    def critical(self, hours: int) -> dict[str, Any]:
        """Return what must be looked at now (17.5)."""
        patterns = self._critical(self._since(hours))
        return {"count": len(patterns), "hours": hours, "critical_errors": self._shown(patterns)}

    def fixable(self, hours: int) -> dict[str, Any]:
        """Return what is known how to repair (17.6)."""
        patterns = self._fixable(self._since(hours))
        return {"count": len(patterns), "hours": hours, "fixable_errors": self._shown(patterns)}

    def patterns(self) -> dict[str, Any]:
        """Return everything that is kept (17.7)."""
        patterns = self._errors.patterns()
        return {"total_patterns": len(patterns), "patterns": self._shown(patterns)}

    def _since(self, hours: int) -> list[Pattern]:
        return self._errors.patterns(since=self._now - timedelta(hours=hours))

    def _critical(self, patterns: Sequence[Pattern]) -> list[Pattern]:
        return [pattern for pattern in patterns if pattern.seen.severity == "critical"]

    def _fixable(self, patterns: Sequence[Pattern]) -> list[Pattern]:
        return [pattern for pattern in patterns if self._errors.fixes.fix_of(pattern.seen) is not None]

    def _state(self) -> str:
        if not self._errors.is_enabled:
            return "stopped"
        return "running" if self._errors.is_shared else "degraded"

    def _monitor(self) -> dict[str, Any]:
        patterns, errors = self._errors.patterns(), self._errors
        return {
            "enabled": errors.is_enabled,
            "running": errors.is_enabled,
            "auto_fix_enabled": False,
            "scan_interval": errors.exchange_s,
            "last_scan": errors.exchanged_at,
            "errors_since_last_fix": _total(patterns),
            "total_patterns": len(patterns),
            "dropped_errors": errors.dropped,
            "scope": "all processes" if errors.is_shared else "this process, and others until last_scan",
        }

    def _shown(self, patterns: Sequence[Pattern]) -> list[PatternShown]:
        return [self._show(pattern) for pattern in patterns]

    def _show(self, pattern: Pattern) -> PatternShown:
        seen, fix = pattern.seen, self._errors.fixes.fix_of(pattern.seen)
        origin = pattern.origin if self._is_detailed else None
        return PatternShown(
            error_type=seen.error_type,
            message=seen.message,
            category=seen.category,
            severity=seen.severity,
            provider=seen.provider,
            model=seen.model,
            status=seen.status,
            file=None if origin is None else origin.file,
            line=None if origin is None else origin.line,
            function=None if origin is None else origin.function,
            stack_trace=None if origin is None else origin.stack_trace,
            timestamp=pattern.first_seen,
            count=pattern.count,
            last_seen=pattern.last_seen,
            examples=[each if self._is_detailed else _public(each) for each in pattern.examples],
            fixable=fix is not None,
            suggested_fix=fix,
        )


def _public(example: Example) -> Example:
    return msgspec.structs.replace(example, request_id=None, detail=None)


def _total(patterns: Sequence[Pattern]) -> int:
    return sum(pattern.count for pattern in patterns)
