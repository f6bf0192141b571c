from gatewayz.sdk.multipart import MultipartBody
from gatewayz.web.multipart import Multipart, PartBegun, PartData
from tests.fakes.recordings import MemoryRecording


async def test_a_form_can_be_read_again_and_is_as_long_as_it_says() -> None:
    recording = MemoryRecording(b"RIFF\r\n--x" * 50)
    body = MultipartBody([("model", "whisper-1"), ("prompt", "Grüße")], ("file", "a.wav", "audio/wav", recording))

    first, second = [b"".join([piece async for piece in body.pieces()]) for _ in range(2)]

    assert first == second
    assert len(first) == body.size
    assert recording.reads == 2


async def test_names_cannot_break_out() -> None:
    recording = MemoryRecording(b"sound")
    body = MultipartBody([('a"\r\nb', "1")], ("file", 'x"; y="\r\n', "audio/wav\r\nx: y", recording))
    multipart = Multipart(body.content_type.decode().partition("boundary=")[2])

    events = [event async for piece in body.pieces() for event in multipart.feed(piece)]
    multipart.finish()

    assert [event.filename is not None for event in events if isinstance(event, PartBegun)] == [False, True]
    assert b"".join(event.data for event in events if isinstance(event, PartData)) == b"1sound"
