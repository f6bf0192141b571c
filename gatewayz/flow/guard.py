"""Guardrails read a call before anything is held, kept or sent. Without one configured, no call sees this file."""

import msgspec

from gatewayz.dialects.body_texts import texts_of, with_texts
from gatewayz.dialects.request_decoding import decoded_member
from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Inbound
from gatewayz.sdk.errors import InvalidRequest
from gatewayz.sdk.guardrails import GuardedCall

__all__ = ["guarded"]


async def guarded(inbound: Inbound, caller: Caller, edition: Edition) -> Inbound:
    """Return the call as it may be sent: its own bytes where nothing was changed.

    Raises InvalidRequest for a body that is no JSON or nested too deep, GuardrailBlocked (400), GuardrailBroken (503).
    """
    body = decoded_member(inbound.body, "")
    try:
        texts = judged = texts_of(body)
    except RecursionError as err:
        raise InvalidRequest("The body is nested too deep.", code="INVALID_JSON") from err
    told = GuardedCall(
        request_id=inbound.request_id,
        format=inbound.format,
        model=str(body.get("model", "")) if isinstance(body, dict) else "",
        user_id=caller.user_id,
        key_id=caller.key_id,
    )
    for guardrail in edition.guardrails.values():
        judged = tuple(await guardrail.check_request(told, judged))
    if judged == texts:
        return inbound
    left = iter(judged)
    return msgspec.structs.replace(inbound, body=msgspec.json.encode(with_texts(body, lambda _: next(left))))
