"""Sound over HTTP against a started server that bills by credits: OpenAI's SDK, exact charges, failover, refusals.

Source: spec 08 §2, cases 19.1 and 19.2.
"""

import base64
import os
import socket
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import openai
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.recordings import BOUNDARY, form, wav
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

PATH = "/v1/audio/transcriptions"
HEARS = "acme/hears"
SPEAKS = "acme/speaks"
MAX_BYTES = 3_000_000


class Booth:
    """A gateway with two providers of sound, and customers."""

    def __init__(
        self, gateway: GatewayProcess, first: StubUpstream, second: StubUpstream, client: httpx.Client, spool: Path
    ) -> None:
        self.gateway, self.first, self.second, self.client, self.spool = gateway, first, second, client, spool
        self.key = gateway.create_user("u@example.com", "--credits", "5")
        self.poor = gateway.create_user("poor@example.com", "--credits", "0.0005")
        self.user = {"authorization": f"Bearer {self.key}"}

    def transcribe(self, sound: bytes, key: str | None = None, **fields: str) -> httpx.Response:
        headers = {"authorization": f"Bearer {key or self.key}"}
        data = {"model": HEARS, **fields}
        return self.client.post(PATH, data=data, files={"file": ("a.wav", sound, "audio/wav")}, headers=headers)

    def balance(self) -> Decimal:
        return Decimal(str(self.client.get("/user/balance", headers=self.user).json()["credits"]))

    def charged(self, before: Decimal, expected: str) -> None:
        """Check what was charged; what follows the end of an answer takes a moment."""
        until(lambda: before - self.balance() == Decimal(expected))

    def receipt(self, request_id: str) -> dict[str, Any]:
        """Return the receipt of a call; it is written a moment after the answer."""
        found: list[httpx.Response] = []

        def is_there() -> bool:
            found[:] = [self.client.get("/v1/generation", params={"id": request_id}, headers=self.user)]
            return found[0].status_code == 200

        until(is_there)
        shown: dict[str, Any] = found[0].json()["data"]
        return shown

    def uploads(self) -> int:
        """Return how many files in the spool folder the gateway has open."""
        folder = Path(f"/proc/{self.gateway.pid}/fd")
        return sum(str(self.spool) in _target(each) for each in folder.iterdir())


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""  # closed since it was listed


def until(is_so: Callable[[], bool]) -> None:
    deadline = monotonic() + 10
    while not is_so():
        assert monotonic() < deadline
        sleep(0.02)


@pytest.fixture(scope="module")
def booth_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booth]:
    folder: Path = tmp_path_factory.mktemp("booth")
    spool = folder / "spool"
    spool.mkdir()
    with stub_upstream() as first, stub_upstream() as second:
        formats = ["openai_transcriptions", "openai_speech"]
        maker = {
            "use": "openai_compatible",
            "formats": formats,
            "api_key": "sk-up",
            "listing": None,
            "timeouts": {"idle_s": 2.0},
        }
        config = {
            "providers": {
                "first": {**maker, "base_url": first.url},
                "second": {**maker, "base_url": second.url},
                "openai": {"base_url": first.url, "api_key": "sk-up"},
                "local": {"enabled": False},
            },
            "billing": {"use": "credits"},
            "audio": {"spool_dir": str(spool), "max_file_bytes": MAX_BYTES},
            "models": {
                HEARS: {
                    "modality": "audio->text",
                    "price": {"second": "0.0001"},
                    "offers": {"first": {"id": "hears-1"}, "second": {"id": "hears-2"}},
                },
                SPEAKS: {
                    "modality": "text->audio",
                    "price": {"character": "15"},
                    "offers": {"first": {"id": "speaks-1"}, "second": {"id": "speaks-2"}},
                },
                "acme/tokens": {
                    "modality": "audio->text",
                    "price": {"input": "2.5", "output": "10", "audio_input": "6", "second": "0.0001"},
                    "offers": {"first": {"id": "tokens"}},
                },
                "acme/unpriced": {"modality": "audio->text", "offers": {"first": {"id": "unpriced"}}},
            },
        }
        with GatewayProcess(folder, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
            yield Booth(gateway, first, second, client, spool)


@pytest.fixture
def booth(booth_module: Booth) -> Booth:
    for stub in (booth_module.first, booth_module.second):
        stub.recover()
        stub.seen.clear()
    booth_module.client.post("/circuit-breakers/reset-all")
    return booth_module


@pytest.fixture
def sdk(booth: Booth) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{booth.gateway.base}/v1", api_key=booth.key, max_retries=0, timeout=20) as client:
        yield client


# --- recordings ---


def test_19_1_a_recording_and_its_charge(booth: Booth) -> None:
    before, sound = booth.balance(), wav(1)
    reply = booth.transcribe(sound, language="en", prompt="Grüße", temperature="0.2")

    assert reply.status_code == 200, reply.text
    shown = reply.json()
    usage = shown["gateway_usage"]
    assert shown["text"] == "pong" and shown["usage"] == {"type": "duration", "seconds": 9}
    assert (usage["cost_usd"], usage["cost_per_minute"], usage["duration_minutes"]) == (0.0009, 0.006, 0.15)
    assert usage["usage_source"] == "provider" and usage["provider"] == "first"
    booth.charged(before, "0.0009")
    receipt = booth.receipt(reply.headers["x-request-id"])
    assert (receipt["audio_ms"], receipt["rates"]["second"], receipt["total_cost"]) == (9000, 100_000, 0.0009)
    (seen,) = booth.first.seen
    assert seen.body.pop("file") == sound
    assert seen.body == {
        "model": "hears-1",
        "response_format": "json",
        "language": "en",
        "prompt": "Grüße",
        "temperature": "0.2",
    }
    assert seen.headers["authorization"] == "Bearer sk-up"
    assert booth.uploads() == 0


def test_19_2_base64_in_three_forms(booth: Booth) -> None:
    sound = wav(1)
    fields = {"audio_data": base64.b64encode(sound).decode(), "content_type": "audio/wav", "model": HEARS}
    multipart = {name: (None, value) for name, value in fields.items()}
    for body in ({"files": multipart}, {"data": fields}, {"json": fields}):
        reply = booth.client.post(f"{PATH}/base64", headers=booth.user, **body)  # type: ignore[arg-type]
        assert (reply.status_code, reply.json()["text"]) == (200, "pong"), reply.text
    assert [seen.body["file"] for seen in booth.first.seen] == [sound] * 3
    refused = booth.client.post(f"{PATH}/base64", headers=booth.user, json={**fields, "audio_data": "%"})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "audio_data"


def test_every_form_of_answer(booth: Booth, sdk: openai.OpenAI) -> None:
    file = ("a.wav", wav(1))
    plain = sdk.audio.transcriptions.create(model=HEARS, file=file)
    verbose = sdk.audio.transcriptions.create(
        model=HEARS, file=file, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    assert plain.text == "pong" and verbose.duration == 8.47 and verbose.language == "english"
    assert verbose.segments is not None and verbose.segments[0].text == " pong"
    assert verbose.words is not None and verbose.words[0].word == "pong"
    texts = {
        form: sdk.audio.transcriptions.create(model=HEARS, file=file, response_format=form)  # type: ignore[call-overload]
        for form in ("text", "srt", "vtt")
    }
    assert texts == {
        "text": "pong\n",
        "srt": "1\n00:00:00,000 --> 00:00:08,470\npong\n\n",
        "vtt": "WEBVTT\n\n00:00:00.000 --> 00:00:08.470\npong\n\n",
    }
    kinds = [booth.transcribe(wav(1), response_format=form).headers["content-type"] for form in ("json", "text", "vtt")]
    assert kinds == ["application/json", "text/plain; charset=utf-8", "text/vtt; charset=utf-8"]


def test_a_provider_that_counts_nothing_is_charged_by_the_measured_length(booth: Booth) -> None:
    booth.first.behave = lambda seen: (200, {}, [b'{"text": "pong"}'])
    before = booth.balance()
    usage = booth.transcribe(wav(30)).json()["gateway_usage"]

    assert (usage["usage_source"], usage["cost_usd"]) == ("estimated", 0.003)
    booth.charged(before, "0.003")


def test_a_provider_that_counts_tokens_is_charged_by_them(booth: Booth) -> None:
    details = b'"input_token_details": {"audio_tokens": 10, "text_tokens": 4}'
    counted = b'{"type": "tokens", "input_tokens": 14, "output_tokens": 45, ' + details + b"}"
    booth.first.behave = lambda seen: (200, {}, [b'{"text": "pong", "usage": ' + counted + b"}"])
    before = booth.balance()
    shown = booth.transcribe(wav(60), model="acme/tokens").json()

    assert (shown["gateway_usage"]["cost_usd"], shown["gateway_usage"]["usage_source"]) == (0.00052, "provider")
    assert (shown["usage"]["input_tokens"], shown["usage"]["output_tokens"]) == (14, 45)
    booth.charged(before, "0.00052")


def test_a_short_recording_is_charged_as_a_tenth_of_a_minute(booth: Booth) -> None:
    booth.first.behave = lambda seen: (200, {}, [b'{"text": "", "usage": {"type": "duration", "seconds": 1}}'])
    before = booth.balance()
    assert booth.transcribe(wav(1)).json()["gateway_usage"]["cost_usd"] == 0.0006
    booth.charged(before, "0.0006")


def test_the_file_is_sent_again_to_the_next_provider(booth: Booth) -> None:
    booth.first.fail(503)
    sound, before = wav(60), booth.balance()
    reply = booth.transcribe(sound)

    assert reply.status_code == 200 and reply.headers["x-provider"] == "second"
    assert [stub.seen[0].body["file"] for stub in (booth.first, booth.second)] == [sound, sound]
    booth.charged(before, "0.0009")


def test_a_repeat_is_answered_once(booth: Booth) -> None:
    headers = {**booth.user, "idempotency-key": "audio-1"}
    files = {"file": ("a.wav", wav(1), "audio/wav")}
    data = {"model": HEARS, "response_format": "srt"}
    first = booth.client.post(PATH, data=data, files=files, headers=headers)
    again = booth.client.post(PATH, data=data, files=files, headers=headers)
    other = booth.client.post(PATH, data=data, files={"file": ("a.wav", wav(2), "audio/wav")}, headers=headers)

    assert (again.content, again.headers["content-type"]) == (first.content, first.headers["content-type"])
    assert again.headers["idempotent-replayed"] == "true" and len(booth.first.seen) == 1
    assert other.status_code == 422


def test_what_is_refused_before_a_provider_is_called(booth: Booth) -> None:
    key = booth.user
    sound = ("a.wav", wav(1), "audio/wav")
    poor = booth.transcribe(wav(60), booth.poor)
    assert poor.status_code == 402 and poor.json()["error"]["type"] == "insufficient_quota"
    assert booth.client.post(PATH, files={"file": sound}).status_code == 401
    assert booth.client.post(PATH, json={"model": HEARS}, headers=key).status_code == 415
    refused = {
        "file": booth.transcribe(b""),
        "temperature": booth.transcribe(wav(1), temperature="2"),
        "response_format": booth.transcribe(wav(1), response_format="xml"),
        "language": booth.transcribe(wav(1), language="?"),
    }
    for param, reply in refused.items():
        assert (reply.status_code, reply.json()["error"]["param"]) == (400, param), reply.text
    assert booth.transcribe(b"PK\x03\x04" + bytes(500)).status_code == 400
    for name in ("acme/unpriced", SPEAKS):
        assert booth.transcribe(wav(1), model=name).json()["error"]["code"] == "model_pricing_missing"
    assert booth.transcribe(wav(1), model="acme/nobody").status_code == 404
    assert booth.transcribe(bytes(MAX_BYTES + 1)).status_code == 413
    assert not booth.first.seen and not booth.second.seen
    assert booth.uploads() == 0


def test_a_caller_who_leaves_while_sending_leaves_no_file(booth: Booth) -> None:
    body = form([("model", HEARS)], wav(60))
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {booth.key}\r\n"
        f"content-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", booth.gateway.port)) as connection:
        connection.sendall(head.encode() + body[: len(body) // 2])
        until(lambda: booth.uploads() == 1)
    until(lambda: booth.uploads() == 0)
    assert not booth.first.seen


def test_a_form_that_is_cut_off(booth: Booth) -> None:
    headers = {**booth.user, "content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    reply = booth.client.post(PATH, content=form([("model", HEARS)], wav(1))[:-20], headers=headers)

    assert reply.status_code == 400 and reply.json()["error"]["code"] == "invalid_multipart"


# --- speech ---


def test_speech_is_streamed_and_charged_by_its_characters(booth: Booth, sdk: openai.OpenAI, tmp_path: Path) -> None:
    before = booth.balance()
    with sdk.audio.speech.with_streaming_response.create(
        model=SPEAKS, voice="alloy", input="Grüße", speed=1.5
    ) as sound:
        assert sound.headers["content-type"] == "audio/mpeg" and sound.headers["x-provider"] == "first"
        sound.stream_to_file(tmp_path / "said.mp3")

    assert (tmp_path / "said.mp3").read_bytes() == b"ID3" + b"pong" * 1000
    booth.charged(before, "0.000075")
    receipt = booth.receipt(sound.headers["x-request-id"])
    assert (receipt["characters"], receipt["streamed"], receipt["total_cost"]) == (5, True, 0.000075)
    assert booth.first.seen[0].body == {
        "model": "speaks-1",
        "input": "Grüße",
        "voice": "alloy",
        "response_format": "mp3",
        "speed": 1.5,
    }


def test_speech_fails_over(booth: Booth, sdk: openai.OpenAI) -> None:
    booth.first.fail(500)
    assert sdk.audio.speech.create(model=SPEAKS, voice="alloy", input="Hi").content.startswith(b"ID3")


def test_speech_that_breaks_off_is_cut_and_not_charged(booth: Booth) -> None:
    booth.first.behave = lambda seen: (200, {"content-type": "audio/wav"}, [b"RIFF", 30.0])
    before = booth.balance()
    with pytest.raises(httpx.RemoteProtocolError):
        booth.client.post("/v1/audio/speech", json={"model": SPEAKS, "input": "Hi", "voice": "a"}, headers=booth.user)
    sleep(0.2)
    assert booth.balance() == before


def test_a_caller_who_leaves_pays_for_the_text(booth: Booth) -> None:
    booth.first.behave = lambda seen: (200, {"content-type": "audio/wav"}, [b"RIFF", 60.0, b"end"])
    before, asked = booth.balance(), {"model": SPEAKS, "input": "x" * 1000, "voice": "a"}
    with booth.client.stream("POST", "/v1/audio/speech", json=asked, headers=booth.user) as reply:
        assert next(reply.iter_raw()) == b"RIFF"
    booth.charged(before, "0.015")
    assert booth.first.seen[0].hung_up.wait(5)


def test_speech_that_is_refused(booth: Booth) -> None:
    def say(headers: dict[str, str], **members: Any) -> httpx.Response:
        asked = {"model": SPEAKS, "input": "Hi", "voice": "a", **members}
        return booth.client.post("/v1/audio/speech", json=asked, headers=headers)

    for param, value in (("input", ""), ("input", "x" * 5000), ("response_format", "midi"), ("stream_format", "sse")):
        refused = say(booth.user, **{param: value})
        assert (refused.status_code, refused.json()["error"]["param"]) == (400, param)
    assert say({}).status_code == 401
    assert say({"authorization": f"Bearer {booth.poor}"}, input="x" * 4000).status_code == 402
    assert not booth.first.seen
