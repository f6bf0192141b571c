"""Where logs and traces are said to go is where they go."""

from datetime import UTC, datetime

from gatewayz.areas.instrumentation.service import health
from gatewayz.config.sections.tracing import Tracing
from gatewayz.config.settings import Settings

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_nothing_is_pushed_by_default() -> None:
    shown = health(Settings(), NOW)
    assert (shown["loki"]["enabled"], shown["tempo"]["enabled"], shown["tempo"]["endpoint"]) == (False, False, None)


def test_traces_go_where_the_settings_say() -> None:
    tracing = Tracing(enabled=True, endpoint="http://user:canary-password@collector:4318/v1/traces", service_name="gw")
    shown = health(Settings(tracing=tracing), NOW)["tempo"]
    assert shown["enabled"] and shown["service_name"] == "gw"
    assert shown["endpoint"] == "http://user:***@collector:4318/v1/traces"
