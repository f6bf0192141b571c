"""The forms of `/v1/audio/transcriptions`, read as they arrive: the sound goes to disk, never whole into memory.

Whatever form a call came in, it becomes one JSON object of its fields, with what is known of the
sound under `audio`. Source: spec 08 §2; OpenAI API reference, "Create transcription".
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gatewayz.config.sections.audio import Audio
from gatewayz.sdk.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from gatewayz.web.asgi import Receive
from gatewayz.web.audio_texts import check_fields, part_json, part_urlencoded, unquoted_pieces
from gatewayz.web.base64_stream import Base64Stream
from gatewayz.web.bodies import ClientGone, read_body
from gatewayz.web.multipart import Multipart, PartBegun, PartData, PartEnded, content_type_of
from gatewayz.web.request_head import RequestHead
from gatewayz.web.spool import BLOCK_BYTES, Spool

__all__ = ["Upload", "read_upload"]

_OVERHEAD_BYTES: Final = 128 * 1024
"""Of a whole body beside the sound: fields, boundaries, headers of parts."""
_FILE: Final = "file"
_TEXT: Final = "audio_data"
_LIST_ENDING: Final = "[]"


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A call, and the sound it brought."""

    body: bytes
    """JSON of the fields."""
    recording: Spool


async def read_upload(
    receive: Receive, head: RequestHead, settings: Audio, *, in_text: bool, max_json_depth: int
) -> Upload:
    """Return a call. Whoever gets it closes its recording; nothing is left of one that is refused.

    :param in_text: the sound comes as base64 under `audio_data`, and a JSON body will do too.
    :param max_json_depth: how deep that may be nested.
    Raises UnsupportedMediaType, BodyTooLarge, InvalidRequest naming the field, ClientGone, ServerOverloaded.
    """
    if head.content_encoding not in (b"", b"identity"):
        raise UnsupportedMediaType("Compressed request bodies are not accepted; send the form as it is.")
    media_type, options = content_type_of(head.content_type)
    spool = Spool(settings.spool_dir, settings.max_file_bytes, _TEXT if in_text else _FILE)
    try:
        reader = _Reader(spool, in_text=in_text)
        if media_type == "multipart/form-data":
            await reader.read_multipart(receive, head.content_length, Multipart(options.get("boundary", "")))
        elif in_text and media_type == "application/x-www-form-urlencoded":
            await reader.read_urlencoded(await read_body(receive, head.content_length, reader.max_body_bytes))
        elif in_text and (media_type in ("", "application/json") or media_type.endswith("+json")):
            body = await read_body(receive, head.content_length, reader.max_body_bytes)
            await reader.read_json(body, max_json_depth)
        else:
            expected = "multipart/form-data or application/json" if in_text else "multipart/form-data"
            raise UnsupportedMediaType(f"The body must be {expected}.", context={"expected_type": expected})
        await reader.finish()
        return Upload(body=_as_json(reader.fields, spool, settings), recording=spool)
    except BaseException:  # cancellation too: let go, then raise again
        spool.close()
        raise


class _Reader:
    """Takes one form apart."""

    def __init__(self, spool: Spool, *, in_text: bool) -> None:
        self.fields: dict[str, Any] = {}
        self._spool = spool
        self._sound = spool.param
        self._decoder = Base64Stream(_TEXT) if in_text else None
        self._has_sound = False
        self._fields_bytes = self._parts = 0
        self._name = ""
        self._value = bytearray()
        self._is_sound = False

    @property
    def max_body_bytes(self) -> int:
        """Of a body whose sound is within limits; base64 has an eighth more, for line breaks and escapes."""
        sound = self._spool.max_bytes
        return (sound if self._decoder is None else sound * 4 // 3 * 9 // 8) + _OVERHEAD_BYTES

    async def read_multipart(self, receive: Receive, declared: int | None, multipart: Multipart) -> None:
        """Read the parts as they arrive."""
        most = self.max_body_bytes
        if declared is not None and declared > most:
            raise _too_large(self._spool.max_bytes, self._sound)
        size, has_more = 0, True
        while has_more:
            message = await receive()
            if message["type"] != "http.request":
                raise ClientGone("the client left while sending")
            data, has_more = message.get("body", b""), message.get("more_body", False)
            size += len(data)
            if size > most:
                raise _too_large(self._spool.max_bytes, self._sound)
            for event in multipart.feed(data):
                await self._take(event)
        multipart.finish()

    async def read_urlencoded(self, body: bytes) -> None:
        """Read a form whose fields are joined by `&`."""
        sounds, pairs = await asyncio.to_thread(part_urlencoded, body, self._sound)
        for name, value in pairs:
            self._count(len(value))
            self._add(name, value)
        for sound in sounds:
            self._begin_sound()
            for piece in unquoted_pieces(sound):
                await self._take_sound(piece)

    async def read_json(self, body: bytes, max_depth: int) -> None:
        """Read an object with the same names."""
        sound, fields = await asyncio.to_thread(part_json, body, self._sound, max_depth)
        self.fields = {name: value for name, value in fields.items() if value is not None}
        if sound is None:
            return
        self._begin_sound()
        for at in range(0, len(sound), BLOCK_BYTES):
            await self._take_sound(sound[at : at + BLOCK_BYTES])

    async def finish(self) -> None:
        """Complete the sound. Raises InvalidRequest when there is none."""
        if not self._has_sound:
            raise InvalidRequest(f"{self._sound} is required", code="MISSING_REQUIRED_FIELD", param=self._sound)
        if self._decoder is not None:
            await self._spool.write(self._decoder.finish())
        await self._spool.finish()

    async def _take(self, event: PartBegun | PartData | PartEnded) -> None:
        match event:
            case PartBegun():
                self._begin_part(event)
            case PartData() if self._is_sound:
                await self._take_sound(event.data)
            case PartData():
                self._count(len(event.data))
                self._value += event.data
            case PartEnded() if not self._is_sound:
                self._add(self._name, _text(self._name, self._value))
            case PartEnded():
                pass  # the sound is completed with the form

    def _begin_part(self, part: PartBegun) -> None:
        self._parts += 1
        check_fields(self._parts, self._fields_bytes)
        self._name, self._value = part.name, bytearray()
        self._is_sound = part.name == self._sound
        if self._is_sound:
            self._begin_sound()
        elif part.filename is not None:
            raise InvalidRequest(f"{part.name[:100]} must not be a file", param=part.name[:100])

    def _begin_sound(self) -> None:
        if self._has_sound:
            raise _repeated(self._sound)
        self._has_sound = True

    async def _take_sound(self, data: bytes) -> None:
        await self._spool.write(data if self._decoder is None else self._decoder.feed(data))

    def _add(self, name: str, value: str) -> None:
        self._count(len(name))
        if name.endswith(_LIST_ENDING):
            self.fields.setdefault(name.removesuffix(_LIST_ENDING), []).append(value)
        elif name in self.fields:
            raise _repeated(name[:100])
        else:
            self.fields[name] = (
                _number(value) if name == "temperature" else _truth(value) if name == "stream" else value
            )

    def _count(self, size: int) -> None:
        self._fields_bytes += size
        check_fields(self._parts, self._fields_bytes)


def _as_json(fields: Mapping[str, Any], spool: Spool, settings: Audio) -> bytes:
    if spool.duration_ms > settings.max_duration_s * 1000:
        raise InvalidRequest(
            f"the recording lasts {spool.duration_ms // 1000} seconds, longer than {settings.max_duration_s:g}",
            code="AUDIO_TOO_LONG",
            param=spool.param,
        )
    audio = {
        "sha256": spool.digest,
        "duration_ms": spool.duration_ms,
        "billed_ms": max(spool.duration_ms, round(settings.min_billed_s * 1000)),
    }
    return msgspec.json.encode({"model": settings.default_model, **fields, "audio": audio})


def _text(name: str, value: bytearray) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as err:
        raise InvalidRequest(f"{name[:100]} is not UTF-8", param=name[:100]) from err


def _number(value: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        return value  # refused with the other types


def _truth(value: str) -> bool | str:
    return {"true": True, "false": False}.get(value.lower(), value)


def _repeated(name: str) -> InvalidRequest:
    return InvalidRequest(f"{name} is given more than once", code="MALFORMED_REQUEST", param=name)


def _too_large(limit: int, param: str) -> BodyTooLarge:
    return BodyTooLarge(
        f"The file is larger than {limit} bytes.",
        param=param,
        context={"parameter_name": param, "max_value": limit},
    )
