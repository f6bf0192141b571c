from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.sdk.error_rules import ErrorRule, error_from_reply, error_from_status, read_error, retry_after
from gatewayz.sdk.errors import (
    ContentFiltered,
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error": {"message": "m"}}', "m"),
        (b'{"error": "m"}', "m"),
        (b'{"message": "m"}', "m"),
        (b'{"detail": "m"}', "m"),
        (b'{"success": false, "errors": [{"code": 1, "message": "m"}]}', "m"),
        (b'[{"error": {"message": "m"}}]', "m"),
        (b'{"detail": [{"loc": ["body"]}]}', None),
        (b'{"error": {"message": 7}}', None),
        (b"<html>", None),
        (b"\xff", None),
        (b"", None),
        (b"[" * 100_000, None),
    ],
)
def test_message_in_any_shape(body: bytes, message: str | None) -> None:
    assert read_error(body).message == message


def test_message_is_bounded() -> None:
    assert len(read_error(msgspec.json.encode({"error": "x" * 9999})).message or "") == 500


@given(st.binary(), st.integers(100, 999))
def test_any_answer_is_an_upstream_error(body: bytes, status: int) -> None:
    error = error_from_status(status, ((b"retry-after", body[:20]),), body)
    assert isinstance(error, UpstreamError)
    assert error.provider_status == status


def test_rules_come_before_statuses() -> None:
    rules = (ErrorRule(error="overloaded", code="3040"), ErrorRule(error="auth_failed", status=400, contains="KEY"))
    body = b'{"errors": [{"code": 3040, "message": "busy"}]}'
    assert type(error_from_reply(rules, 500, (), body)) is UpstreamOverloaded
    assert type(error_from_reply(rules, 400, (), b"wrong key")) is UpstreamAuthFailed
    assert type(error_from_reply(rules, 422, (), b"wrong key")) is UpstreamRejected


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, "content_filter", ContentFiltered),
        (400, "model_not_found", UpstreamModelMissing),
        (429, "insufficient_quota", UpstreamAuthFailed),
        (429, "rate_limit_exceeded", UpstreamRateLimited),
        (307, "", UpstreamBroken),
    ],
)
def test_codes_vendors_share(status: int, code: str, expected: type[UpstreamError]) -> None:
    body = msgspec.json.encode({"error": {"message": "m", "code": code}})
    assert type(error_from_status(status, (), body)) is expected


def test_messages_about_our_account_stay_here() -> None:
    error = error_from_status(402, (), b'{"error": {"message": "account 17 owes $3"}}')
    assert "17" not in error.message


def test_context_length_has_its_code() -> None:
    error = error_from_status(400, (), b'{"error": {"message": "too long", "code": "context_length_exceeded"}}')
    assert error.code == "CONTEXT_LENGTH_EXCEEDED"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (((b"retry-after", b"7"),), 7.0),
        (((b"retry-after", b"7"), (b"retry-after-ms", b"250")), 0.25),
        (((b"retry-after", b"Tue, 24 Nov 2026 12:00:30 GMT"),), 30.0),
        (((b"retry-after", b"Tue, 24 Nov 2026 11:00:00 GMT"),), 0.0),
        (((b"retry-after", b"-1"),), None),
        (((b"retry-after", b"nan"),), None),
        (((b"retry-after", b"inf"),), None),
        (((b"retry-after", b"99999999"),), 3600.0),
        (((b"retry-after", b"soon"),), None),
        ((), None),
    ],
)
def test_retry_after(headers: tuple[tuple[bytes, bytes], ...], seconds: float | None) -> None:
    assert retry_after(headers, now=NOW) == seconds


def test_retry_info_of_google() -> None:
    body = b'{"error": {"message": "m", "details": [{"@type": "x"}, {"retryDelay": "34s"}]}}'
    assert error_from_status(429, (), body).retry_after_s == 34.0
