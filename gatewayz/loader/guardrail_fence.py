"""The fence round a guardrail: it judges every text, or fails as its entry says."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final, Literal

from gatewayz.loader.faults import FOREIGN, Faults
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.guardrails import GuardedCall, Guardrail, GuardrailBlocked

__all__ = ["FencedGuardrail", "GuardrailBroken"]

DEADLINE_S: Final = 2.0


class GuardrailBroken(GatewayzError):
    """A guardrail that must judge cannot."""

    status = 503
    type = "service_unavailable"
    default_code = "GUARDRAIL_UNAVAILABLE"


class FencedGuardrail:
    """A guardrail that raises GuardrailBlocked or GuardrailBroken, and nothing else."""

    def __init__(
        self, name: str, inner: Guardrail, on_error: Literal["refuse", "pass"], *, deadline_s: float = DEADLINE_S
    ) -> None:
        self.inner = inner
        self._name = name
        self._on_error = on_error
        self._faults = Faults(f"guardrail {name!r}")
        self._deadline_s = deadline_s

    async def check_request(self, call: GuardedCall, texts: Sequence[str]) -> Sequence[str]:
        """As `Guardrail.check_request`."""
        try:
            async with asyncio.timeout(self._deadline_s):
                given: Any = await self.inner.check_request(call, texts)
            judged: list[str] = list(given)
            if len(judged) != len(texts) or not all(isinstance(text, str) for text in judged):
                raise TypeError("gave something else than one text for each")
        except GuardrailBlocked:
            raise
        except (TimeoutError, *FOREIGN) as err:
            self._faults.log(err, "check_request")
            if self._on_error == "pass":
                return texts
            raise GuardrailBroken(f"The guardrail {self._name!r} cannot judge this call now.") from err
        return judged
