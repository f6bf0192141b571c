"""Settlements as the flow tells of them."""

from typing import Any

from gatewayz.sdk.interfaces import Charge, Hold
from gatewayz.sdk.money import Nano
from gatewayz.sdk.observe import Attempt, Outcome, Settlement
from gatewayz.sdk.offers import Cost, Offer
from gatewayz.sdk.usage import Usage

OFFER = Offer(model="openai/gpt-4o-mini", provider="openai", upstream_model="gpt-4o-mini")


def attempt(provider: str = "openai", outcome: Outcome = "success", **fields: Any) -> Attempt:
    offer = Offer(model="openai/gpt-4o-mini", provider=provider, upstream_model="gpt-4o-mini")
    defaults: dict[str, Any] = {"request_id": "req_1", "offer": offer, "outcome": outcome, "duration_ms": 812.9}
    return Attempt(**defaults | fields)


def charge(cost: int = 45_000, **usage: Any) -> Charge:
    return Charge(
        hold=Hold(key="req_1", account=1, amount=Nano(50_000)),
        offer=OFFER,
        usage=Usage(**{"input_tokens": 100, "output_tokens": 50} | usage),
        cost=Cost(input=Nano(15_000), output=Nano(cost - 15_000)),
        charged=Nano(cost),
    )


def settlement(**fields: Any) -> Settlement:
    defaults: dict[str, Any] = {
        "request_id": "req_1",
        "operation": "openai_chat",
        "requested_model": "gpt-4o-mini",
        "user_id": 7,
        "key_id": 9,
        "charge": charge(),
        "attempts": (attempt(),),
        "status": 200,
        "stream": True,
        "duration_ms": 812.9,
        "first_content_ms": 203.2,
    }
    return Settlement(**defaults | fields)
