from gatewayz.sdk.chat import ChoiceFinished, Message, ModelCall, Text, TextDelta, UsageReported
from gatewayz.sdk.testing import Answer, FakeHttpClient, SettingsContract, plugin_context
from gatewayz.sdk.wire import CallContext
from gatewayz_plugins.providers.echo.provider import EchoProvider, EchoSettings

CONTEXT = CallContext(request_id="r-1")


class TestSettings(SettingsContract):
    module = "gatewayz_plugins.providers.echo"
    settings = EchoSettings
    sample = {"prefix": "> "}


def call(*turns: tuple[str, str], max_tokens: int | None = None) -> ModelCall:
    messages = tuple(Message(role=role, parts=(Text(text=text),)) for role, text in turns)  # type: ignore[arg-type]
    return ModelCall(model="echo", messages=messages, max_tokens=max_tokens)


def echo(prefix: str = "") -> EchoProvider:
    return EchoProvider(EchoSettings(prefix=prefix), plugin_context(FakeHttpClient(Answer())))


async def test_it_says_what_the_user_said_last() -> None:
    asked = call(("system", "be brief"), ("user", "one"), ("assistant", "two"), ("user", "three four"))
    completion = await echo("> ").complete(asked, CONTEXT)
    assert completion.choices[0].parts == (Text(text="> three four"),)
    assert completion.choices[0].finish_reason == "stop"
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (6, 3)


async def test_it_stops_at_max_tokens() -> None:
    completion = await echo().complete(call(("user", "a b c"), max_tokens=2), CONTEXT)
    assert completion.choices[0].parts == (Text(text="a b"),)
    assert completion.choices[0].finish_reason == "length"


async def test_the_stream_says_the_same() -> None:
    asked = call(("user", "a b c"))
    completion = await echo().complete(asked, CONTEXT)
    events = [event async for event in echo().stream(asked, CONTEXT)]
    assert TextDelta(text="a b c") in events
    assert ChoiceFinished(reason="stop") in events
    assert UsageReported(usage=completion.usage) in events


async def test_a_conversation_without_a_user() -> None:
    completion = await echo().complete(call(("system", "x")), CONTEXT)
    assert completion.choices[0].parts == (Text(text=""),)


async def test_its_model() -> None:
    assert [listing.id for listing in await echo().list_models()] == ["echo"]
