"""The contract every guardrail keeps, as tests to subclass.

class TestMine(GuardrailContract):
    module = "my_plugin"
    settings = MySettings
    sample = {"word": "zeppelin"}
    passing = ("hello",)
    refused = "about the zeppelin"

    def build(self, settings, context):
        return MyGuardrail(settings, context)
"""

import asyncio
from typing import Any, ClassVar

import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.guardrails import GuardedCall, Guardrail, GuardrailBlocked
from gatewayz.sdk.testing.client import PlainHttpClient
from gatewayz.sdk.testing.fakes import plugin_context
from gatewayz.sdk.testing.settings_contract import SettingsContract, decode_settings

__all__ = ["GuardrailContract"]

_CALL = GuardedCall(request_id="req_contract", format="openai_chat", model="vendor/model", user_id=1, key_id=2)
_DEADLINE_S = 5.0
_ODD = ("", " ", "\n" * 1000, "\ud800", "\0", "é" * 5, "\u0627", "🙂")
"""Texts that callers do send."""


class GuardrailContract(SettingsContract):
    """Subclass and name module, settings, a sample, how to build, what passes and what is refused."""

    passing: ClassVar[tuple[str, ...]] = ("hello", "")
    """Texts that the sample lets pass as they are."""
    refused: ClassVar[str | None] = None
    """A text that the sample refuses; None refuses nothing."""

    def build(self, settings: Any, context: PluginContext) -> Guardrail:
        """Return the guardrail."""
        raise NotImplementedError

    def guardrail(self) -> Guardrail:
        """Return the guardrail of the sample."""
        return self.build(decode_settings(self.settings, self.values()), plugin_context(PlainHttpClient()))

    async def judge(self, *texts: str) -> list[str]:
        """Return what becomes of texts."""
        return list(await asyncio.wait_for(self.guardrail().check_request(_CALL, texts), _DEADLINE_S))

    async def test_harmless_texts_pass_as_they_are(self) -> None:
        assert await self.judge(*self.passing) == list(self.passing)

    async def test_each_text_gets_one_back(self) -> None:
        assert await self.judge() == []
        judged = await self.judge(*_ODD)
        assert len(judged) == len(_ODD) and all(isinstance(text, str) for text in judged)

    async def test_what_was_judged_passes_again(self) -> None:
        judged = await self.judge(*self.passing, *_ODD)
        assert await self.judge(*judged) == judged

    async def test_calls_are_judged_at_once_and_apart(self) -> None:
        guardrail = self.guardrail()
        texts = [[f"{text} {number}" for text in self.passing] for number in range(20)]
        judged = await asyncio.gather(*(guardrail.check_request(_CALL, each) for each in texts))
        assert [list(each) for each in judged] == texts

    async def test_a_refusal_does_not_repeat_the_text(self) -> None:
        if self.refused is None:
            pytest.skip("it refuses nothing")
        with pytest.raises(GuardrailBlocked) as caught:
            await self.judge(*self.passing, self.refused)
        assert caught.value.message and self.refused not in caught.value.message
