from typing import cast

import msgspec
import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.guardrails import GuardedCall, GuardrailBlocked
from gatewayz_plugins.guardrails.prompt_size.prompt_size import PromptSize, PromptSizeSettings

CALL = GuardedCall(request_id="req_1", format="openai_chat", model="m", key_id=3)


async def test_keys_have_bounds_of_their_own() -> None:
    settings = msgspec.convert({"max_characters": 5, "keys": {"4": 8}}, PromptSizeSettings, strict=False)
    guardrail = PromptSize(settings, cast(PluginContext, None))
    assert await guardrail.check_request(CALL, ["abc", "de"]) == ["abc", "de"]
    with pytest.raises(GuardrailBlocked, match="6 characters; at most 5"):
        await guardrail.check_request(CALL, ["abc", "def"])
    other = msgspec.structs.replace(CALL, key_id=4)
    assert await guardrail.check_request(other, ["abc", "defgh"])
    with pytest.raises(GuardrailBlocked, match="at most 8"):
        await guardrail.check_request(other, ["abc", "defghi"])
