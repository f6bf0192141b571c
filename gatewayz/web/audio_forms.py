"""The forms of `/v1/audio/transcriptions`, read as they arrive: the sound goes to disk, never whole into memory.

Whatever form a call came in, it becomes one JSON object of its fields, with what is known of the
sound under `audio`. Source: spec 08 §2; OpenAI API reference, "Create transcription".
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from gatewayz.config.sections.audio import Audio
from gatewayz.sdk.errors import BodyTooLarge, InvalidRequest, UnsupportedMediaType
from gatewayz.web.asgi import Receive
from gatewayz.web.base64_stream import Base64Stream
from gatewayz.web.bodies import ClientGone, read_body
from gatewayz.web.multipart import Multipart, PartBegun, PartData, PartEnded, content_type_of
from gatewayz.web.request_head import RequestHead
from gatewayz.web.spool import Spool

__all__ = ["Upload", "read_upload"]

_FIELDS_BYTES: Final = 64 * 1024
"""All fields but the sound."""
_OVERHEAD_BYTES: Final = 128 * 1024
"""Of a whole body beside the sound: fields, boundaries, headers of parts."""
_MAX_PARTS: Final = 64
_FILE: Final = "file"
_TEXT: Final = "audio_data"
_LIST_ENDING: Final = "[]"
_BROKEN_JSON: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """A call, and the sound it brought."""

    body: bytes
    """JSON of the fields."""
    recording: Spool


async def read_upload(receive: Receive, head: RequestHead, settings: Audio, *, in_text: bool) -> Upload:
    """Return a call. Whoever gets it closes its recording; nothing is left of one that is refused.

    :param in_text: the sound comes as base64 under `audio_data`, and a JSON body will do too.
    Raises UnsupportedMediaType, BodyTooLarge, InvalidRequest naming the field, ClientGone, ServerOverloaded.
    """
    if head.content_encoding not in (b"", b"identity"):
        raise UnsupportedMediaType("Compressed request bodies are not accepted; send the form as it is.")
    media_type, options = content_type_of(head.content_type)
    spool = Spool(settings.spool_dir, settings.max_file_bytes)
    try:
        reader = _Reader(spool, in_text=in_text)
        if media_type == "multipart/form-data":
            await reader.read_multipart(receive, head.content_length, Multipart(options.get("boundary", "")))
        elif in_text and media_type == "application/x-www-form-urlencoded":
            await reader.read_urlencoded(await read_body(receive, head.content_length, reader.max_text_bytes(settings)))
        elif in_text and (media_type in ("", "application/json") or media_type.endswith("+json")):
            await reader.read_json(await read_body(receive, head.content_length, reader.max_text_bytes(settings)))
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
        self._sound = _TEXT if in_text else _FILE
        self._decoder = Base64Stream(_TEXT) if in_text else None
        self._has_sound = False
        self._fields_bytes = self._parts = 0
        self._name = ""
        self._value = bytearray()
        self._is_sound = False

    def max_text_bytes(self, settings: Audio) -> int:
        """Return the size of a body whose base64, percent-encoded at worst here and there, is within limits."""
        return settings.max_file_bytes // 3 * 4 + _OVERHEAD_BYTES

    async def read_multipart(self, receive: Receive, declared: int | None, multipart: Multipart) -> None:
        """Read the parts as they arrive."""
        most = self._spool.max_bytes + _OVERHEAD_BYTES
        if self._decoder is not None:
            most = self._spool.max_bytes // 3 * 4 + _OVERHEAD_BYTES
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
        try:
            pairs = parse_qsl(
                body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MAX_PARTS
            )
        except (ValueError, UnicodeDecodeError) as err:
            raise InvalidRequest("The body is not a form.") from err
        for name, value in pairs:
            if name == self._sound:
                await self._take_sound_text(value)
            else:
                self._add(name, value)

    async def read_json(self, body: bytes) -> None:
        """Read an object with the same names."""
        try:
            fields = msgspec.json.decode(body, type=dict[str, Any])
        except _BROKEN_JSON as err:
            raise InvalidRequest("The body is not a JSON object.", code="INVALID_JSON") from err
        sound = fields.pop(self._sound, None)
        if sound is not None and not isinstance(sound, str):
            raise InvalidRequest(f"{_TEXT} must be a string", code="INVALID_PARAMETER_TYPE", param=_TEXT)
        if sound is not None:
            await self._take_sound_text(sound)
        self.fields = {name: value for name, value in fields.items() if value is not None}

    async def finish(self) -> None:
        """Complete the sound. Raises InvalidRequest when there is none."""
        if not self._has_sound:
            raise InvalidRequest(f"{self._sound} is required", code="MISSING_REQUIRED_FIELD", param=self._sound)
        if self._decoder is not None:
            await self._spool.write(self._decoder.finish())
        await self._spool.finish(self._sound)

    async def _take_sound_text(self, text: str) -> None:
        self._begin_sound()
        await self._take_sound(text.encode("ascii", "replace"))

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
        if self._parts > _MAX_PARTS:
            raise BodyTooLarge("The form has too many parts.", context={"max_value": _MAX_PARTS})
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
        if self._fields_bytes > _FIELDS_BYTES:
            raise BodyTooLarge("The fields of the form are too large.", context={"max_value": _FIELDS_BYTES})


def _as_json(fields: Mapping[str, Any], spool: Spool, settings: Audio) -> bytes:
    if spool.duration_ms > settings.max_duration_s * 1000:
        raise InvalidRequest(
            f"the recording lasts {spool.duration_ms // 1000} seconds, longer than {settings.max_duration_s:g}",
            code="AUDIO_TOO_LONG",
            param="file",
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
