"""Which errors an operator can do something about, and what. The words are data: `config/error_fixes.yaml`."""

from collections.abc import Mapping

from gatewayz.config.sections.errors import ErrorFix
from gatewayz.domain.error_patterns.pattern import ErrorSeen

__all__ = ["Fixes"]


class Fixes:
    """The fixes of one configuration.

    :param rules: the first that fits counts.
    :param variables: provider instance to the variables that hold its credentials.
    """

    def __init__(self, rules: Mapping[str, ErrorFix], variables: Mapping[str, tuple[str, ...]]) -> None:
        self._rules = tuple(rules.values())
        self._variables = variables

    def fix_of(self, seen: ErrorSeen) -> str | None:
        """Return what to do about an error, None when nothing is known."""
        for rule in self._rules:
            if seen.error_type in rule.errors and (not rule.statuses or seen.status in rule.statuses):
                return rule.fix.format(
                    provider=seen.provider or "?", model=seen.model or "?", key_variable=self._key_of(seen.provider)
                )
        return None

    def _key_of(self, provider: str | None) -> str:
        variables = self._variables.get(provider or "")
        return f"providers.{provider} in the configuration" if not variables else " and ".join(variables)
