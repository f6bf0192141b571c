"""Guardrails read a call before anything is held, kept or sent. Without one configured, no call sees this file."""

import msgspec

from gatewayz.dialects.body_texts import texts_of, with_texts
from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.edition import Edition
from gatewayz.flow.values import Inbound, ParsedCall
from gatewayz.sdk.guardrails import GuardedCall

__all__ = ["guarded"]


async def guarded(call: ParsedCall, inbound: Inbound, caller: Caller, edition: Edition) -> Inbound:
    """Return the call as it may be sent: its own bytes where nothing was changed.

    Raises GuardrailBlocked (400), GuardrailBroken (503).
    """
    if not inbound.body.lstrip().startswith(b"{"):
        return inbound  # a form: sound, whose text nobody knows yet
    body = msgspec.json.decode(inbound.body)
    texts = judged = texts_of(body)
    told = GuardedCall(
        request_id=inbound.request_id,
        format=inbound.format,
        model=call.head.model,
        user_id=caller.user_id,
        key_id=caller.key_id,
    )
    for guardrail in edition.guardrails.values():
        judged = tuple(await guardrail.check_request(told, judged))
    if judged == texts:
        return inbound
    left = iter(judged)
    return msgspec.structs.replace(inbound, body=msgspec.json.encode(with_texts(body, lambda _: next(left))))
