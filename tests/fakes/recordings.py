"""Recordings made on the spot, and forms that carry them."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

__all__ = ["BOUNDARY", "MemoryRecording", "form", "receiving", "wav"]

BOUNDARY = "gatewayz-test"


def wav(seconds: float = 1.0, rate: int = 16_000) -> bytes:
    """Return silence: 16 bits, one channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(bytes(2 * round(seconds * rate)))
    return file.getvalue()


def form(
    fields: Sequence[tuple[str, str]], file: bytes | None = None, *, name: str = "file", file_name: str = "a.wav"
) -> bytes:
    """Return a multipart body with `BOUNDARY`."""
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n'.encode()
        for field, value in fields
    ]
    if file is not None:
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n'
        parts.append(head.encode() + b"Content-Type: audio/wav\r\n\r\n" + file + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def receiving(body: bytes, *, piece: int = 65_536, leaves: bool = False) -> Any:
    """Return an ASGI `receive` that brings a body in pieces; a caller who leaves does not send the last one."""
    pieces = [body[at : at + piece] for at in range(0, len(body), piece)] or [b""]
    messages: list[Mapping[str, Any]] = [
        {"type": "http.request", "body": each, "more_body": leaves or number < len(pieces)}
        for number, each in enumerate(pieces, 1)
    ]

    async def receive() -> Mapping[str, Any]:
        await asyncio.sleep(0)
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    return receive


class MemoryRecording:
    """A `gatewayz.sdk.audio.Recording` in memory; counts how often it is read."""

    name = "audio.wav"
    media_type = "audio/wav"

    def __init__(self, content: bytes, *, duration_ms: int = 1000, piece: int = 7) -> None:
        self.content = content
        self.duration_ms = duration_ms
        self.size = len(content)
        self.reads = 0
        self._piece = piece

    async def pieces(self) -> AsyncIterator[bytes]:
        """Read it once more."""
        self.reads += 1
        for at in range(0, self.size, self._piece):
            yield self.content[at : at + self._piece]
