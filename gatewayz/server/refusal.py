"""Requests refused before the application sees them, and the answer that says why."""

from http import HTTPStatus
from typing import Final

import msgspec

__all__ = ["MALFORMED", "TIMED_OUT", "Refusal", "render_refusal"]

MALFORMED: Final = "MALFORMED_REQUEST"
TIMED_OUT: Final = "REQUEST_TIMEOUT"
_INTERNAL: Final = "INTERNAL_ERROR"
_SERVER_ERRORS_FROM: Final = 500


class Refusal(Exception):
    """A request that is answered with `status` and whose connection is closed."""

    def __init__(self, status: int, message: str, code: str = MALFORMED) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.code = code

    @classmethod
    def of_application_fault(cls) -> "Refusal":
        """What a client is told when the application failed before it began to answer."""
        return cls(500, "The server could not complete the request.", _INTERNAL)


def render_refusal(refusal: Refusal) -> bytes:
    """Return the JSON body of a refusal."""
    broken = refusal.status >= _SERVER_ERRORS_FROM and refusal.status != HTTPStatus.NOT_IMPLEMENTED
    kind = "server_error" if broken and refusal.code != MALFORMED else "invalid_request_error"
    error = {"message": refusal.message, "type": kind, "code": refusal.code, "status": refusal.status}
    return msgspec.json.encode({"error": error})
