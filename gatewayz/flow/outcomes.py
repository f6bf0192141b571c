"""Tells a router how the answers ended that its choices led to. Other calls never see this file."""

from gatewayz.dialects.endings import EndReader, end_reader
from gatewayz.domain.identity.caller import Caller
from gatewayz.flow.values import Choice, Inbound, ParsedCall
from gatewayz.sdk.offers import Offer
from gatewayz.sdk.outcomes import AnswerEnd, AnswerFault, HearsOutcomes

__all__ = ["Ending", "listen"]


class Ending:
    """The end of one answer, for the router that chose."""

    def __init__(
        self, router: HearsOutcomes, reader: EndReader, choice: Choice, inbound: Inbound, user_id: int | None
    ) -> None:
        self._router = router
        self._reader = reader
        self._choice = choice
        self._request_id = inbound.request_id
        self._user_id = user_id

    def feed(self, block: bytes) -> None:
        """Take whole events of a stream."""
        self._reader.feed(block)

    def tell_whole(self, body: bytes, offer: Offer) -> None:
        """Tell of a whole answer."""
        self._tell(self._reader.read_whole(body), offer)

    def tell_stream(self, last: bytes, offer: Offer) -> None:
        """Tell of a stream that ended well, with these events."""
        self._reader.feed(last)
        self._tell(self._reader.ended(), offer)

    def _tell(self, fault: AnswerFault | None, offer: Offer) -> None:
        call = self._choice.call
        if fault == "length" and call.max_output_tokens is not None:
            fault = None  # the caller's own limit
        self._router.hear_end(
            AnswerEnd(
                request_id=self._request_id,
                user_id=self._user_id,
                call=call,
                decision=self._choice.ranking.decision,
                model=offer.model,
                fault=fault,
            )
        )


def listen(call: ParsedCall, inbound: Inbound, caller: Caller) -> Ending | None:
    """Return who is to be told of the end of a call's answer, None where nobody wants to know."""
    if (choice := call.choice) is None or (router := choice.hears) is None or not router.is_listening:
        return None
    reader = end_reader(call.format)
    return None if reader is None else Ending(router, reader, choice, inbound, caller.user_id)
