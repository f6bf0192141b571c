"""What proves a plugin: contract suites to subclass, fakes to build it with, scripts of the wire formats.

Needs pytest. A third party subclasses `ProviderContract` and says how its provider is built.
"""

import pytest

pytest.register_assert_rewrite(
    "gatewayz.sdk.testing.billing_contract",
    "gatewayz.sdk.testing.contract",
    "gatewayz.sdk.testing.guardrail_contract",
    "gatewayz.sdk.testing.health_contract",
    "gatewayz.sdk.testing.playing",
    "gatewayz.sdk.testing.router_contract",
)

from gatewayz.sdk.testing.billing_contract import BillingContract
from gatewayz.sdk.testing.client import PlainHttpClient
from gatewayz.sdk.testing.contract import ProviderContract
from gatewayz.sdk.testing.fakes import Answer, FakeClock, FakeHttpClient, plugin_context
from gatewayz.sdk.testing.guardrail_contract import GuardrailContract
from gatewayz.sdk.testing.health_contract import DownTargets, HealthContract
from gatewayz.sdk.testing.router_contract import FakeSignals, RouterContract
from gatewayz.sdk.testing.scripts import (
    ANTHROPIC_SCRIPT,
    OPENAI_CHAT_SCRIPT,
    OPENAI_RESPONSES_SCRIPT,
    SCRIPT_USAGE,
    WireScript,
)
from gatewayz.sdk.testing.settings_contract import SettingsContract, decode_settings, settings_schema
from gatewayz.sdk.testing.upstream import Received, ScriptedUpstream, scripted_upstream

__all__ = [
    "ANTHROPIC_SCRIPT",
    "OPENAI_CHAT_SCRIPT",
    "OPENAI_RESPONSES_SCRIPT",
    "SCRIPT_USAGE",
    "Answer",
    "BillingContract",
    "DownTargets",
    "FakeClock",
    "FakeHttpClient",
    "FakeSignals",
    "GuardrailContract",
    "HealthContract",
    "PlainHttpClient",
    "ProviderContract",
    "Received",
    "RouterContract",
    "ScriptedUpstream",
    "SettingsContract",
    "WireScript",
    "decode_settings",
    "plugin_context",
    "scripted_upstream",
    "settings_schema",
]
