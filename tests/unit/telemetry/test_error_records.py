import logging
from collections.abc import Iterator

import pytest

from gatewayz.domain.error_patterns.pattern import LoggedError
from gatewayz.sdk.errors import StoreUnavailable
from gatewayz.telemetry.error_records import ErrorHandler

KEY = "sk-abcdefghijklmnopqrstuvwxyz012345"


@pytest.fixture
def told() -> list[LoggedError]:
    return []


@pytest.fixture
def log(told: list[LoggedError]) -> Iterator[logging.Logger]:
    logger, handler = logging.getLogger("gatewayz.test_error_records"), ErrorHandler(told.append)
    logger.addHandler(handler)
    yield logger
    logger.removeHandler(handler)


def fail() -> None:
    raise KeyError(KEY)


def test_an_exception_is_told_with_its_place_and_without_credentials(
    log: logging.Logger, told: list[LoggedError]
) -> None:
    try:
        fail()
    except KeyError:
        log.exception("request %s failed with %s", "req_1", KEY)
    (line,) = told
    assert (line.template, line.exception, line.module) == ("request %s failed with %s", "KeyError", "builtins")
    assert (line.origin.function, line.origin.file.rpartition("/")[2]) == ("fail", "test_error_records.py")
    assert not line.origin.file.startswith("/")
    assert line.origin.stack_trace is not None and "in fail" in line.origin.stack_trace
    assert KEY not in repr(line) and line.detail == "request req_1 failed with sk-***"


def test_an_exception_among_the_values_counts_too(log: logging.Logger, told: list[LoggedError]) -> None:
    log.warning("put off: %s", StoreUnavailable("The database does not answer."))
    (line,) = told
    assert (line.exception, line.code, line.origin.stack_trace) == ("StoreUnavailable", "DATABASE_ERROR", None)


def test_information_is_not_told(log: logging.Logger, told: list[LoggedError]) -> None:
    log.setLevel(logging.INFO)
    log.info("all is well")
    assert told == []


def test_a_broken_line_hurts_nobody(told: list[LoggedError], capsys: pytest.CaptureFixture[str]) -> None:
    broken = {"msg": "%d of them", "args": ("not a number",), "levelno": logging.WARNING}
    ErrorHandler(told.append).handle(logging.makeLogRecord(broken))
    assert told == [] and "not a number" in capsys.readouterr().err
