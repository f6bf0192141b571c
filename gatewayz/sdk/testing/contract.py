"""The contract every provider keeps, as tests to subclass.

    class TestMine(ProviderContract):
        module = "my_plugin"
        settings = MySettings
        sample = {"base_url": "{base_url}", "api_key": "{secret}"}
        script = OPENAI_CHAT_SCRIPT

        def build(self, settings, context):
            return MyProvider(settings, context)

Wire tests run on a client without sockets, so that every split arrives exactly as written; tests of
closing and of parallel streams use a real loopback server.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, Final, TypeVar

import msgspec
import pytest

from gatewayz.sdk.chat import (
    ChoiceFinished,
    Completion,
    Event,
    Message,
    ModelCall,
    StreamStarted,
    Text,
    TextDelta,
    UsageReported,
)
from gatewayz.sdk.context import PluginContext
from gatewayz.sdk.errors import (
    UpstreamAuthFailed,
    UpstreamBroken,
    UpstreamError,
    UpstreamModelMissing,
    UpstreamOverloaded,
    UpstreamRateLimited,
    UpstreamRejected,
    UpstreamTimeout,
)
from gatewayz.sdk.interfaces import (
    Embedder,
    ImageGenerator,
    Provider,
    Provisionable,
    Speaker,
    Transcriber,
    WireProvider,
)
from gatewayz.sdk.testing.client import PlainHttpClient
from gatewayz.sdk.testing.fakes import Answer, FakeHttpClient, plugin_context
from gatewayz.sdk.testing.playing import NOWHERE, SECRET, SPLITS, check_usage, split_pieces, url_path, visible_text
from gatewayz.sdk.testing.scripts import WireScript
from gatewayz.sdk.testing.settings_contract import SettingsContract, decode_settings
from gatewayz.sdk.testing.upstream import Received, ScriptedUpstream, scripted_upstream
from gatewayz.sdk.wire import OPENAI_EMBEDDINGS, OPENAI_IMAGES, CallContext, HttpClient, HttpReply, Timeouts, WireCall

__all__ = ["ProviderContract"]

TEXT: Final = 'Grüße, "Welt" \\ 🌍\nand\ttabs'
CLOSE_LIMIT_S: Final = 0.25
PARALLEL: Final = 20
T = TypeVar("T")

_STATUSES: Final = (
    (400, UpstreamRejected),
    (401, UpstreamAuthFailed),
    (403, UpstreamAuthFailed),
    (404, UpstreamModelMissing),
    (408, UpstreamBroken),
    (413, UpstreamRejected),
    (422, UpstreamRejected),
    (429, UpstreamRateLimited),
    (500, UpstreamBroken),
    (502, UpstreamBroken),
    (503, UpstreamOverloaded),
    (529, UpstreamOverloaded),
)


class ProviderContract(SettingsContract):
    """Subclass and say how the provider is built and what its upstream says."""

    script: ClassVar[WireScript]
    expected_body: ClassVar[dict[str, Any] | None] = None
    """The whole body of `call()` as the upstream must see it, or None to check only model and text."""

    def build(self, settings: Any, context: PluginContext) -> Provider:
        """Return the provider under test."""
        raise TypeError(f"{type(self).__name__} does not say how its provider is built")

    def client(self) -> HttpClient:
        """Return the HTTP client for tests over sockets; a gateway's own engine may take its place."""
        return PlainHttpClient()

    def call(self, *, stream: bool = False) -> ModelCall:
        """Return the conversation that is sent."""
        messages = (
            Message(role="system", parts=(Text(text="Be brief."),)),
            Message(role="user", parts=(Text(text="hé"),)),
        )
        return ModelCall(
            model=self.script.model, messages=messages, max_tokens=64, temperature=0.5, stream=stream, stop=("END",)
        )

    # ------------------------------------------------------------ what it promises

    def test_capabilities_are_kept(self) -> None:
        provider = self._provider(FakeHttpClient(Answer()))
        promised = provider.capabilities
        assert promised is provider.capabilities or promised == provider.capabilities
        assert promised.credentials
        if promised.formats:
            assert isinstance(provider, WireProvider)
        if promised.embeddings:
            assert OPENAI_EMBEDDINGS in promised.formats or isinstance(provider, Embedder)
        if promised.images:
            assert OPENAI_IMAGES in promised.formats or isinstance(provider, ImageGenerator)
        assert isinstance(provider, Transcriber) or not promised.transcription
        assert isinstance(provider, Speaker) or not promised.speech

    def test_request_on_the_wire(self) -> None:
        for stream in (False, True):
            http = FakeHttpClient(self._good(stream))
            self._answer(http, stream=stream)
            request = http.requests[-1]
            base = url_path(NOWHERE)
            assert request.target.decode() == base + self._target(stream)
            assert request.method == b"POST"
            assert SECRET.encode() in b" ".join(value for _, value in request.headers)
            assert all(name == name.lower() for name, _ in request.headers)
            body = msgspec.json.decode(request.body)
            if self.expected_body is not None and not stream:
                assert body == self.expected_body
            assert "hé".encode() in request.body

    # ------------------------------------------------------------ good answers

    def test_whole_answer(self) -> None:
        completion = self._complete(FakeHttpClient(self._good(False)))
        assert visible_text(completion) == TEXT
        assert [choice.finish_reason for choice in completion.choices] == ["stop"]
        check_usage(completion.usage, self.script.usage)

    @pytest.mark.parametrize("split", SPLITS)
    def test_stream_under_anysplit(self, split: str) -> None:
        if split in ("crlf", "comments", "no_final_newline") and not self.script.is_text:
            pytest.skip("the format's frames are binary")
        http = FakeHttpClient(self._stream_answer(split_pieces(self.script.stream(TEXT), split)))
        events = self._events(http)
        assert isinstance(events[0], StreamStarted)
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == TEXT
        assert [event.reason for event in events if isinstance(event, ChoiceFinished)] == ["stop"]
        reports = [event.usage for event in events if isinstance(event, UsageReported)]
        check_usage(reports[-1], self.script.usage)
        assert http.replies[-1].is_closed

    def test_upstream_that_answers_a_stream_whole(self) -> None:
        answer = Answer(pieces=(self.script.answer(TEXT),))
        events = self._events(FakeHttpClient(answer))
        assert "".join(event.text for event in events if isinstance(event, TextDelta)) == TEXT
        assert any(isinstance(event, ChoiceFinished) for event in events)

    # ------------------------------------------------------------ bad answers

    @pytest.mark.parametrize(("status", "expected"), _STATUSES)
    @pytest.mark.parametrize("body", ["json", "html", "empty"])
    @pytest.mark.parametrize("stream", [False, True])
    def test_error_matrix(self, status: int, expected: type[UpstreamError], body: str, stream: bool) -> None:
        bodies = {"json": self.script.error("no such luck"), "html": b"<html><b>oops</b></html>", "empty": b""}
        headers = ((b"content-type", b"text/plain"), (b"retry-after", b"7"))
        http = FakeHttpClient(Answer(pieces=(bodies[body],), status=status, headers=headers))
        with pytest.raises(UpstreamError) as caught:
            self._answer(http, stream=stream)
        assert type(caught.value) is expected
        assert caught.value.provider_status == status
        assert "<html" not in caught.value.message
        if status == 429:
            assert caught.value.retry_after_s == 7
        assert http.replies[-1].is_closed

    @pytest.mark.parametrize("junk", [b"", b"<html>busy</html>", b"[]", b"{}", b"null", b'{"choices": 7', b"\xff\xfe"])
    def test_junk_under_status_200(self, junk: bytes) -> None:
        with pytest.raises(UpstreamError):
            self._answer(FakeHttpClient(Answer(pieces=(junk,))), stream=False)
        with pytest.raises(UpstreamError):
            self._answer(FakeHttpClient(self._stream_answer((junk,))), stream=True)

    def test_error_inside_a_good_stream(self) -> None:
        if not self.script.stream_error:
            pytest.skip("the format has no errors inside streams")
        http = FakeHttpClient(self._stream_answer(self.script.stream_error))
        with pytest.raises(UpstreamError) as caught:
            self._answer(http, stream=True)
        assert type(caught.value) is self.script.stream_error_class
        assert http.replies[-1].is_closed

    def test_stream_that_stops_half_way(self) -> None:
        pieces = self.script.stream(TEXT)
        for count in range(len(pieces) - 2):
            for ending in ("complete", "cut"):
                answer = self._stream_answer(pieces[:count], ending=ending)
                with pytest.raises(UpstreamBroken):
                    self._answer(FakeHttpClient(answer), stream=True)

    def test_compressed_answer_is_refused(self) -> None:
        headers = ((b"content-type", b"application/json"), (b"content-encoding", b"gzip"))
        with pytest.raises(UpstreamBroken):
            self._answer(FakeHttpClient(Answer(pieces=(b"\x1f\x8b",), headers=headers)), stream=False)

    def test_secret_is_never_shown(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)
        shown = [repr(self._provider(FakeHttpClient(Answer())))]
        for status, _ in _STATUSES:
            body = self.script.error(f"the key {SECRET} is wrong")
            http = FakeHttpClient(Answer(pieces=(body,), status=status))
            with pytest.raises(UpstreamError) as caught:
                self._answer(http, stream=False)
            error = caught.value
            shown.extend((str(error), repr(error), error.message, repr(error.context), repr(error.suggestions)))
        shown.extend(record.getMessage() for record in caplog.records)
        assert not [text for text in shown if SECRET in text]

    # ------------------------------------------------------------ same format

    def test_same_format_is_relayed(self) -> None:
        provider = self._provider(FakeHttpClient(Answer()))
        if self.script.format not in provider.capabilities.formats or not isinstance(provider, WireProvider):
            pytest.skip("the provider translates this format")
        for stream in (False, True):
            answer = self._good(stream)
            http = FakeHttpClient(answer)
            body = _run(self._exchange(http, stream))
            assert body == b"".join(answer.pieces)
            sent = msgspec.json.decode(http.requests[-1].body)
            assert sent["model"] == self.script.model
            assert {name: sent[name] for name in self.script.fields} == dict(self.script.fields)

    def test_same_format_errors_raise(self) -> None:
        provider = self._provider(FakeHttpClient(Answer()))
        if self.script.format not in provider.capabilities.formats:
            pytest.skip("the provider translates this format")
        http = FakeHttpClient(Answer(pieces=(b"<html>",), status=503))
        with pytest.raises(UpstreamOverloaded):
            _run(self._exchange(http, False))
        assert http.replies[-1].is_closed

    # ------------------------------------------------------------ over sockets

    def test_leaving_closes_the_upstream(self) -> None:
        async def scenario() -> None:
            pieces = self.script.stream(TEXT)[:-2]
            async with self._serving(self._stream_answer(pieces, ending="hang")) as (upstream, provider):
                stream = provider.stream(self.call(stream=True), _context())
                async for event in stream:
                    if isinstance(event, TextDelta):
                        break
                await stream.aclose()  # type: ignore[attr-defined]
                await asyncio.wait_for(upstream.requests[0].gone.wait(), CLOSE_LIMIT_S)

        _run(scenario())

    def test_cancelling_closes_the_upstream(self) -> None:
        async def scenario() -> None:
            async with self._serving(Answer(ending="hang")) as (upstream, provider):
                task = asyncio.ensure_future(provider.complete(self.call(), _context()))
                await asyncio.wait_for(upstream.arrived.wait(), 5)
                await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.wait_for(upstream.requests[0].gone.wait(), CLOSE_LIMIT_S)

        _run(scenario())

    def test_silent_upstream_times_out(self) -> None:
        async def scenario() -> None:
            answer = self._stream_answer(self.script.stream(TEXT)[:1], ending="hang")
            async with self._serving(answer) as (_, provider):
                context = CallContext(request_id="r-1", timeouts=Timeouts(idle_s=0.1, total_s=5))
                with pytest.raises(UpstreamTimeout) as caught:
                    async for _ in provider.stream(self.call(stream=True), context):
                        pass
                assert caught.value.phase == "idle"

        _run(scenario())

    def test_parallel_streams_share_nothing(self) -> None:
        def answer(received: Received) -> Answer:
            number = received.body.split(b"number-")[1][:2].decode()
            return self._stream_answer(self.script.stream(f"answer to {number}"))

        async def one(provider: Provider, number: int) -> str:
            message = Message(role="user", parts=(Text(text=f"number-{number:02}"),))
            call = msgspec.structs.replace(self.call(stream=True), messages=(message,))
            events = [event async for event in provider.stream(call, _context())]
            return "".join(event.text for event in events if isinstance(event, TextDelta))

        async def scenario() -> list[str]:
            async with self._serving(answer) as (_, provider):
                texts = await asyncio.gather(*(one(provider, number) for number in range(PARALLEL)))
                return texts

        assert _run(scenario()) == [f"answer to {number:02}" for number in range(PARALLEL)]

    def test_closing_twice(self) -> None:
        async def scenario() -> None:
            provider = self._provider(FakeHttpClient(Answer()))
            await provider.aclose()
            await provider.aclose()

        _run(scenario())

    # ------------------------------------------------------------ how it is done

    def _provider(self, http: HttpClient, base_url: str = NOWHERE) -> Provider:
        return self.build(decode_settings(self.settings, self.values(base_url)), plugin_context(http))

    @asynccontextmanager
    async def _serving(
        self, script: Answer | Callable[[Received], Answer]
    ) -> AsyncIterator[tuple[ScriptedUpstream, Provider]]:
        """Run an upstream and a provisioned provider that calls it; close everything."""
        client = self.client()
        async with scripted_upstream(script) as upstream:
            provider = self._provider(client, upstream.base_url)
            try:
                if isinstance(provider, Provisionable):
                    await provider.provision()
                yield upstream, provider
            finally:
                await provider.aclose()
                close = getattr(client, "aclose", None)
                if close is not None:
                    await close()

    def _target(self, stream: bool) -> str:
        target = self.script.stream_target if stream and self.script.stream_target else self.script.target
        return target.replace("{model}", self.script.model)

    def _good(self, stream: bool) -> Answer:
        if stream:
            return self._stream_answer(self.script.stream(TEXT))
        return Answer(pieces=(self.script.answer(TEXT),))

    def _stream_answer(self, pieces: Sequence[bytes], *, ending: Any = "complete") -> Answer:
        return Answer(pieces=pieces, headers=((b"content-type", self.script.stream_type),), ending=ending)

    def _answer(self, http: FakeHttpClient, *, stream: bool) -> object:
        return self._events(http) if stream else self._complete(http)

    def _complete(self, http: FakeHttpClient) -> Completion:
        async def scenario() -> Completion:
            return await self._provider(http).complete(self.call(), _context())

        return _run(scenario())

    def _events(self, http: FakeHttpClient) -> list[Event]:
        async def scenario() -> list[Event]:
            return [event async for event in self._provider(http).stream(self.call(stream=True), _context())]

        return _run(scenario())

    async def _exchange(self, http: FakeHttpClient, stream: bool) -> bytes:
        provider = self._provider(http)
        if not isinstance(provider, WireProvider):
            raise TypeError("the provider has no exchange")
        values = {**self.script.fields, "stream": stream}
        fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in values.items()}
        call = WireCall(format=self.script.format, model=self.script.model, fields=fields, stream=stream)
        reply: HttpReply = await provider.exchange(call, _context())
        body = await reply.read_all(1 << 20)
        reply.close()
        return body


def _run(scenario: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(scenario)


def _context() -> CallContext:
    return CallContext(request_id="r-1")
