import pytest

from gatewayz.config.load import load
from gatewayz.config.resources import resource
from gatewayz.config.sections.errors import ErrorFix
from gatewayz.domain.error_patterns.classify import of_attempt
from gatewayz.domain.error_patterns.fixes import Fixes
from gatewayz.domain.error_patterns.pattern import ErrorSeen
from tests.fakes.settlements import attempt

SHIPPED = load(resource("gatewayz.yaml"), environ={}).settings.error_fixes
FIXES = Fixes(SHIPPED, {"openai": ("OPENAI_API_KEY",)})


def refused(status: int, provider: str = "openai") -> ErrorSeen:
    code = "PROVIDER_AUTHENTICATION_ERROR"
    return of_attempt(attempt(provider, outcome="fault", error_code=code, provider_status=status))


def test_a_refused_key_names_its_variable() -> None:
    for status in (401, 403):
        fix = FIXES.fix_of(refused(status))
        assert fix is not None and "'openai' (OPENAI_API_KEY)" in fix
    assert "providers.mine in the configuration" in (FIXES.fix_of(refused(401, "mine")) or "")


def test_credit_that_is_used_up_is_another_matter() -> None:
    for status in (402, 429):
        assert (FIXES.fix_of(refused(status)) or "").startswith("Top up")


def test_a_provider_that_answers_503_is_not_out_of_reach() -> None:
    away = of_attempt(attempt(outcome="fault", error_code="PROVIDER_UNAVAILABLE"))
    busy = of_attempt(attempt(outcome="fault", error_code="PROVIDER_UNAVAILABLE", provider_status=503))
    assert "No connection" in (FIXES.fix_of(away) or "") and FIXES.fix_of(busy) is None


def test_what_nobody_knows_how_to_repair_has_no_fix() -> None:
    seen = ErrorSeen(error_type="KeyError", category="internal_error", severity="high", message="m")
    assert FIXES.fix_of(seen) is None


def test_a_placeholder_that_nothing_is_known_for_is_refused() -> None:
    with pytest.raises(ValueError, match="no colour"):
        ErrorFix(errors=("X",), fix="paint it {colour}")


def test_the_shipped_words_can_all_be_filled_in() -> None:
    for name, rule in SHIPPED.items():
        seen = ErrorSeen(
            error_type=rule.errors[0],
            category="unknown",
            severity="low",
            message="m",
            provider="openai",
            model="a/b",
            status=rule.statuses[0] if rule.statuses else None,
        )
        assert Fixes({name: rule}, {}).fix_of(seen)
