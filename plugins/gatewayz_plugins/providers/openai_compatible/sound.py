"""Sound that an upstream makes, piece by piece."""

from gatewayz.dialects.openai_audio import SPEECH_MEDIA_TYPES
from gatewayz.sdk.wire import HttpReply

__all__ = ["ArrivingSound"]


class ArrivingSound:
    """`gatewayz.sdk.audio.SpokenAudio` over an HTTP answer.

    :param response_format: what was asked for; names the media type where the answer does not.
    """

    def __init__(self, reply: HttpReply, response_format: str) -> None:
        self._reply = reply
        told = next((value.decode("latin-1") for name, value in reply.headers if name == b"content-type"), "")
        is_sound = told.partition("/")[0].strip().lower() == "audio"
        self.media_type = told if is_sound else SPEECH_MEDIA_TYPES.get(response_format, "application/octet-stream")

    async def read(self) -> bytes:
        """Return what has arrived, `b""` at the end. Raises UpstreamError."""
        return await self._reply.read() or b""

    def close(self) -> None:
        """Let the answer go."""
        self._reply.close()
