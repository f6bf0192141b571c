"""A provider on a loopback socket that answers OpenAI's and Anthropic's formats, and breaks on demand."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gatewayz.web.multipart import Multipart, PartBegun, PartData, content_type_of
from tests.fakes.said import Said, say

__all__ = ["Seen", "StubUpstream", "stub_upstream"]

Answer = tuple[int, dict[str, str], list[bytes | float]]
"""Status, extra headers, pieces of the body; a number among the pieces is a pause in seconds."""


@dataclass
class Seen:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    hung_up: threading.Event = field(default_factory=threading.Event)


class StubUpstream:
    """`behave` decides the answer of each request; by default a good one in the format of the path."""

    def __init__(self) -> None:
        self.port = 0
        self.seen: list[Seen] = []
        self.behave: Callable[[Seen], Answer | None] = lambda seen: None
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def fail(self, status: int, message: str = "stub says no", **headers: str) -> None:
        """Answer every request with an error."""
        body = msgspec.json.encode({"error": {"message": message, "type": "stub_error"}})
        self.behave = lambda seen: (status, headers, [body])

    def recover(self) -> None:
        self.behave = lambda seen: None

    def start(self) -> None:
        self._thread.start()
        self._started.wait(5)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._started.set()
        self._loop.run_forever()
        server.close()
        pending = asyncio.all_tasks(self._loop)
        for task in pending:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await self._exchange(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
        raw = await reader.readexactly(int(headers.get("content-length", 0)))
        seen = Seen(path=head[0].split(" ")[1], headers=headers, body=_body(headers, raw))
        self.seen.append(seen)
        watcher = asyncio.ensure_future(_watch(reader, seen))
        try:
            status, extra, pieces = self.behave(seen) or _good_answer(seen)
            await _write(writer, status, extra, pieces)
        finally:
            watcher.cancel()
        return False


def _body(headers: dict[str, str], raw: bytes) -> dict[str, Any]:
    """Return the members of a JSON body, or the fields of a form; its file as bytes, lists as lists."""
    media_type, options = content_type_of(headers.get("content-type", "").encode())
    if media_type != "multipart/form-data":
        body: dict[str, Any] = msgspec.json.decode(raw) if raw else {}
        return body
    form, fields = Multipart(options["boundary"]), {}
    for event in form.feed(raw):
        if isinstance(event, PartBegun):
            name, is_file, value = event.name, event.filename is not None, b""
        elif isinstance(event, PartData):
            value += event.data
        elif name.endswith("[]"):
            fields.setdefault(name, []).append(value.decode())
        else:
            fields[name] = value if is_file else value.decode()
    form.finish()
    return fields


async def _watch(reader: asyncio.StreamReader, seen: Seen) -> None:
    """Note when the gateway lets go of the connection."""
    try:
        while await reader.read(1024):
            pass
    except ConnectionError:
        pass
    seen.hung_up.set()


async def _write(writer: asyncio.StreamWriter, status: int, extra: dict[str, str], pieces: list[bytes | float]) -> None:
    kind = (
        "text/event-stream"
        if any(b"data:" in piece for piece in pieces if isinstance(piece, bytes))
        else "application/json"
    )
    lines = {"content-type": kind, "transfer-encoding": "chunked", "connection": "close", **extra}
    head = f"HTTP/1.1 {status} Stub\r\n" + "".join(
        f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items()
    )
    writer.write(head.encode() + b"\r\n")
    for piece in pieces:
        if isinstance(piece, bytes):
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
        else:
            await asyncio.sleep(piece)
    writer.write(b"0\r\n\r\n")
    await writer.drain()


def _good_answer(seen: Seen) -> Answer:
    stream = bool(seen.body.get("stream"))
    if seen.path.endswith("/messages"):
        return 200, {}, _anthropic(seen, stream)
    if seen.path.endswith("/images/generations"):
        return 200, {}, [_images(seen)]
    if seen.path.endswith("/embeddings"):
        return 200, {}, [_embeddings(seen)]
    if seen.path.endswith("/audio/transcriptions"):
        return 200, {}, [_transcription(seen)]
    if seen.path.endswith("/audio/speech"):
        return 200, {"content-type": "audio/mpeg"}, [b"ID3", b"pong" * 1000]
    if not seen.path.endswith("/chat/completions"):
        return say(Said(text="pong"))(seen)
    if stream:
        return 200, {}, list(chat_stream(str(seen.body["model"]), _words(seen)))
    return 200, {}, [_chat(seen)]


def _words(seen: Seen) -> list[str]:
    wants_json = (seen.body.get("response_format") or {}).get("type") in ("json_object", "json_schema")
    return ['{"ok": ', "true}"] if wants_json else ["po", "ng"]


def chat_stream(model: str, words: list[str]) -> Iterator[bytes]:
    def event(**members: Any) -> bytes:
        base = {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1, "model": model}
        return b"data: " + msgspec.json.encode({**base, **members}) + b"\n\n"

    def choice(delta: dict[str, Any], finish: str | None = None) -> list[dict[str, Any]]:
        return [{"index": 0, "delta": delta, "finish_reason": finish}]

    yield event(choices=choice({"role": "assistant", "content": ""}))
    for word in words:
        yield event(choices=choice({"content": word}))
    yield event(choices=choice({}, "stop"))
    yield event(choices=[], usage={"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11})
    yield b"data: [DONE]\n\n"


def _chat(seen: Seen) -> bytes:
    message: dict[str, Any] = {"role": "assistant", "content": "".join(_words(seen))}
    finish = "stop"
    if seen.body.get("tools"):
        name = seen.body["tools"][0]["function"]["name"]
        call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": '{"city":"Paris"}'}}
        message, finish = {"role": "assistant", "content": None, "tool_calls": [call]}, "tool_calls"
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    if seen.body.get("logprobs"):
        choice["logprobs"] = {"content": [{"token": "pong", "logprob": -0.1, "bytes": None, "top_logprobs": []}]}
    return msgspec.json.encode(
        {
            "id": "chatcmpl-stub",
            "object": "chat.completion",
            "created": 1,
            "model": seen.body["model"],
            "choices": [choice],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
        }
    )


def _embeddings(seen: Seen) -> bytes:
    inputs = seen.body["input"]
    count = len(inputs) if isinstance(inputs, list) and inputs and not isinstance(inputs[0], int) else 1
    rows = [{"object": "embedding", "index": n, "embedding": [0.5, float(n)]} for n in range(count)]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return msgspec.json.encode({"object": "list", "data": rows, "model": seen.body["model"], "usage": usage})


def _images(seen: Seen) -> bytes:
    kind = "b64_json" if seen.body.get("response_format") == "b64_json" else "url"
    value = "aGVsbG8=" if kind == "b64_json" else "https://pictures.example.com/1.png"
    return msgspec.json.encode({"created": 1, "data": [{kind: value} for _ in range(seen.body.get("n") or 1)]})


def _transcription(seen: Seen) -> bytes:
    answer: dict[str, Any] = {"text": "pong", "usage": {"type": "duration", "seconds": 9}}
    if seen.body["response_format"] == "verbose_json":
        answer = {"task": "transcribe", "language": "english", "duration": 8.47, "text": "pong"}
        if "segment" in seen.body["timestamp_granularities[]"]:
            answer["segments"] = [{"id": 0, "start": 0.0, "end": 8.47, "text": " pong", "avg_logprob": -0.1}]
        if "word" in seen.body["timestamp_granularities[]"]:
            answer["words"] = [{"word": "pong", "start": 0.0, "end": 8.47}]
    return msgspec.json.encode(answer)


def _anthropic(seen: Seen, stream: bool) -> list[bytes | float]:
    usage = {"input_tokens": 9, "output_tokens": 2}
    base = {"id": "msg_stub", "type": "message", "role": "assistant", "model": seen.body["model"]}
    if not stream:
        content = [{"type": "text", "text": "pong"}]
        whole = {**base, "content": content, "stop_reason": "end_turn", "stop_sequence": None, "usage": usage}
        return [msgspec.json.encode(whole)]
    start = {**base, "content": [], "stop_reason": None, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": start},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "po"}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ng"}},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": 2},
        },
        {"type": "message_stop"},
    ]
    return [f"event: {e['type']}\n".encode() + b"data: " + msgspec.json.encode(e) + b"\n\n" for e in events]


@contextmanager
def stub_upstream() -> Iterator[StubUpstream]:
    """Serve while the block runs."""
    stub = StubUpstream()
    stub.start()
    try:
        yield stub
    finally:
        stub.stop()
