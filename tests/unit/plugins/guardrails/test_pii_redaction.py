"""What is found in texts, and what only looks like it."""

import asyncio
from typing import Any, cast

import msgspec
import pytest

from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.guardrails import GuardedCall, GuardrailBlocked
from gatewayz_plugins.guardrails.pii_redaction.redaction import PiiRedaction, PiiSettings

CALL = GuardedCall(request_id="req_1", format="openai_chat", model="m")


def guardrail(**settings: Any) -> PiiRedaction:
    return PiiRedaction(msgspec.convert(settings, PiiSettings), cast(PluginContext, None))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("write to jo.doe+x@mail.example.com!", "write to [EMAIL]!"),
        ("card 4111 1111 1111 1111.", "card [CREDIT_CARD]."),
        ("card 4111-1111-1111-1112", "card 4111-1111-1111-1112"),  # Luhn says no
        ("IBAN DE89 3704 0044 0532 0130 00 please", "IBAN [IBAN] please"),
        ("IBAN GB82WEST12345698765432", "IBAN [IBAN]"),
        ("IBAN GB83WEST12345698765432", "IBAN GB83WEST12345698765432"),  # mod 97 says no
        ("host 192.168.0.1, then 2001:db8::1", "host [IP_ADDRESS], then [IP_ADDRESS]"),
        ("version 1.2.3.400 at 10:30:15", "version 1.2.3.400 at 10:30:15"),
        ("call +49 170 1234567 or (030) 123456", "call [PHONE] or [PHONE]"),
        ("In 2024, 1024 rows and 3.14159", "In 2024, 1024 rows and 3.14159"),
        ("BE68539007547034 with thanks", "[IBAN] with thanks"),
        ("pay ES9121000418450200051332 para", "pay [IBAN] para"),
        ("4111 1111 1111 1111 123", "[CREDIT_CARD] 123"),
        ("4111111111111111 12/27", "[CREDIT_CARD] 12/27"),
        ("no 123 4111 1111 1111 1111", "no 123 [CREDIT_CARD]"),
        ("4111\u00a01111\u00a01111\u00a01111", "[CREDIT_CARD]"),
        ("open 10.0.0.1:8080 or 8.8.8.8", "open [IP_ADDRESS]:8080 or [IP_ADDRESS]"),
        ("f :: Int, a[::2], x[1::2], std::cout", "f :: Int, a[::2], x[1::2], std::cout"),
        ("a@b, def f(x): return x[1:2]", "a@b, def f(x): return x[1:2]"),
    ],
)
async def test_what_is_masked(text: str, wanted: str) -> None:
    assert await guardrail().check_request(CALL, [text]) == [wanted]


async def test_only_the_kinds_that_are_wanted() -> None:
    text = "a@example.com 4111111111111111"
    assert await guardrail(kinds=["email"]).check_request(CALL, [text]) == ["[EMAIL] 4111111111111111"]


async def test_a_refusal_names_kinds_and_no_values() -> None:
    with pytest.raises(GuardrailBlocked) as caught:
        await guardrail(action="block").check_request(CALL, ["fine", "4111111111111111", "a@example.com"])
    assert "credit card, email" in caught.value.message and "4111" not in caught.value.message
    assert (caught.value.status, caught.value.code) == (400, "guardrail_blocked")


@pytest.mark.parametrize(
    "piece",
    [
        *("1", "1 ", "a.", "a@", "0-", "(030) ", "::", "1.1.", "DE89 ", "a@a." * 3 + "!"),
        *(" 0" + "1" * 31 + "x", " 01 1 1 1x", "DE89" + " aaaa" * 7 + " ", "4111 ", "+1-"),
    ],
)
async def test_hostile_texts_come_to_an_end(piece: str) -> None:
    """A pattern that backtracks without bound would not; and others get their turn meanwhile."""
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    counting = asyncio.ensure_future(count_turns())
    (clean,) = await guardrail().check_request(CALL, [piece * (200_000 // len(piece))])
    counting.cancel()
    assert clean and turns > 50
