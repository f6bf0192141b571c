import logging
from typing import Any

import pytest

from gatewayz.domain.error_patterns.classify import failures_of, of_attempt, of_logged, of_request
from gatewayz.domain.error_patterns.pattern import LoggedError, Origin
from gatewayz.sdk import errors
from gatewayz.sdk.observe import Outcome
from tests.fakes.settlements import attempt, settlement


def failed(code: str, outcome: Outcome = "fault", **more: Any) -> Any:
    return attempt(outcome=outcome, error_code=code, **more)


def test_a_refused_credential_is_of_the_provider_whatever_the_model() -> None:
    seen = of_attempt(failed("PROVIDER_AUTHENTICATION_ERROR", provider_status=401))
    assert (seen.category, seen.severity, seen.provider, seen.model) == ("auth_error", "high", "openai", None)
    assert seen.message == "provider 'openai': the gateway's credential is refused (status 401)"


def test_a_missing_model_is_of_the_model() -> None:
    seen = of_attempt(failed("MODEL_NOT_FOUND", "caller_fault", provider_status=404))
    assert (seen.category, seen.model) == ("provider_error", "openai/gpt-4o-mini")
    assert "model 'openai/gpt-4o-mini'" in seen.message


@pytest.mark.parametrize("cls", [each for each in vars(errors).values() if isinstance(each, type)])
def test_every_error_of_a_provider_has_a_category(cls: type) -> None:
    if not issubclass(cls, errors.UpstreamError):
        return
    outcome: Outcome = "fault" if cls.is_fault else "caller_fault"
    assert of_attempt(failed(cls.default_code, outcome)).category != "unknown"


def test_codes_of_plugins_are_judged_by_their_outcome() -> None:
    assert of_attempt(failed("SOMETHING_NEW")).category == "provider_error"
    assert of_attempt(failed("SOMETHING_NEW", "caller_fault")).severity == "info"


def test_successes_and_callers_that_left_are_no_failures() -> None:
    tries = (attempt(), attempt(outcome="abandoned"), failed("PROVIDER_TIMEOUT"))
    assert list(failures_of(settlement(attempts=tries))) == [tries[2]]


def test_a_request_tells_only_what_no_attempt_tells() -> None:
    told = settlement(status=502, error_code="PROVIDER_ERROR", attempts=(failed("PROVIDER_ERROR"),), model="a/b")
    assert of_request(told) is None
    assert of_request(settlement(status=400, error_code="MALFORMED_REQUEST", attempts=())) is None
    assert of_request(settlement()) is None
    seen = of_request(settlement(status=503, error_code="MODEL_UNAVAILABLE", attempts=(), model="a/b"))
    assert seen is not None and (seen.severity, seen.model) == ("critical", "a/b")


def logged(**more: Any) -> LoggedError:
    facts: dict[str, Any] = {
        "level": logging.ERROR,
        "logger": "gatewayz.jobs",
        "template": "the job '%s' failed: %.3f %r",
        "detail": "the job 'x' failed: 1.000 'secret'",
        "exception": None,
        "module": None,
        "code": None,
        "origin": Origin(file="gatewayz/a.py", line=1, function="f"),
    }
    return LoggedError(**{**facts, **more})


def test_values_of_log_lines_stay_out_of_the_message() -> None:
    seen = of_logged(logged())
    assert seen.message == "the job '…' failed: … …"
    assert (seen.error_type, seen.category, seen.severity) == ("ERROR", "internal_error", "high")


def test_lines_of_libraries_are_not_quoted() -> None:
    seen = of_logged(logged(logger="asyncio", template="Task <Task of someone> failed"))
    assert seen.message == "asyncio logged a line of level ERROR"
    assert "someone" not in of_logged(logged(logger="gatewayz_plugins.x", template="someone")).message


@pytest.mark.parametrize(
    ("more", "error_type", "category", "severity"),
    [
        ({"exception": "StoreUnavailable", "code": "DATABASE_ERROR"}, "DATABASE_ERROR", "database_error", "critical"),
        (
            {"level": logging.WARNING, "detail": "put off: The database does not answer."},
            "DATABASE_ERROR",
            "database_error",
            "critical",
        ),
        ({"exception": "KeyError", "module": "builtins"}, "KeyError", "internal_error", "high"),
        ({"exception": "TimeoutError", "module": "builtins"}, "TimeoutError", "timeout_error", "high"),
        ({"exception": "ResponseError", "module": "redis.exceptions"}, "ResponseError", "cache_error", "high"),
        ({"exception": "DataError", "module": "sqlalchemy.exc"}, "DataError", "database_error", "high"),
        ({"level": logging.WARNING}, "WARNING", "unknown", "low"),
        ({"level": logging.CRITICAL}, "CRITICAL", "internal_error", "critical"),
    ],
)
def test_log_lines(more: dict[str, Any], error_type: str, category: str, severity: str) -> None:
    seen = of_logged(logged(**more))
    assert (seen.error_type, seen.category, seen.severity) == (error_type, category, severity)
