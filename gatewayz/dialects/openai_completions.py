"""OpenAI's legacy completions, the caller's half: a prompt becomes one user message.

Source: https://platform.openai.com/docs/api-reference/completions (read 2026-11); spec 01 §5.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from gatewayz.dialects.caller import CallHead, GatewayUsage
from gatewayz.dialects.openai_errors import openai_error
from gatewayz.dialects.openai_usage import render_openai_usage
from gatewayz.dialects.request_decoding import (
    EXTENSIONS,
    RequestReader,
    RequestRules,
    check_model,
    decoded_member,
    invalid,
    missing,
    take_extensions,
)
from gatewayz.dialects.sse import DONE, KEEP_ALIVE
from gatewayz.sdk.chat import (
    Choice,
    ChoiceFinished,
    Completion,
    Event,
    LogprobsDelta,
    Message,
    ModelCall,
    Refusal,
    RefusalDelta,
    StreamStarted,
    Text,
    TextDelta,
)
from gatewayz.sdk.errors import GatewayzError
from gatewayz.sdk.usage import Usage
from gatewayz.sdk.wire import OPENAI_COMPLETIONS

__all__ = ["OPENAI_COMPLETIONS_DIALECT", "CompletionEventRenderer", "OpenAiCompletionsDialect"]

_CHARACTERS_PER_TOKEN: Final = 4
"""For estimates of prompts given as token ids."""
_FINISH_WORDS: Final = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "stop",
    "content_filter": "content_filter",
    "error": "error",
}
_ID_PREFIX: Final = "cmpl-"
_encode: Final = msgspec.json.Encoder().encode

AtLeastOne = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]


class _StreamOptions(msgspec.Struct, kw_only=True):
    include_usage: bool | None = None


class CompletionsBody(msgspec.Struct, kw_only=True):
    """All members the gateway understands."""

    model: str
    prompt: str | list[str | int | list[int]]
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    max_tokens: AtLeastOne | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    best_of: Annotated[int, Meta(ge=1, le=20)] | None = None
    stop: str | Annotated[list[str], Meta(max_length=4)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    logprobs: Annotated[int, Meta(ge=0, le=5)] | None = None
    logit_bias: dict[str, float] | None = None
    seed: int | None = None
    user: str | None = None
    echo: bool | None = None
    suffix: str | None = None


_RULES: Final = RequestRules(
    range_codes={"temperature": "INVALID_TEMPERATURE"},
    type_codes={"stream": "INVALID_STREAM_PARAMETER"},
    bounds={
        "temperature": (0, 2),
        "top_p": (0, 1),
        "n": (1, 128),
        "best_of": (1, 20),
        "logprobs": (0, 5),
        "frequency_penalty": (-2, 2),
        "presence_penalty": (-2, 2),
    },
)
_READER: Final = RequestReader(CompletionsBody, _RULES, frozenset(CompletionsBody.__struct_fields__))


class OpenAiCompletionsDialect:
    """The caller's half. See `caller.CallerDialect`."""

    format = OPENAI_COMPLETIONS
    keep_alive = KEEP_ALIVE

    def read_head(self, body: bytes) -> CallHead:
        """Return what the gateway needs of a request; `n` counts the answers to all its prompts.

        Raises InvalidRequest.
        """
        request, fields = _READER.read(body)
        check_model(request.model)
        prompts = _prompts(request)
        extensions = take_extensions(fields)
        options = request.stream_options
        return CallHead(
            model=request.model,
            fields=fields,
            stream=bool(request.stream),
            include_usage=options is not None and bool(options.include_usage),
            max_output_tokens=request.max_tokens,
            n=max(request.n or 1, request.best_of or 1) * len(prompts),
            needs=frozenset(("logprobs",)) if request.logprobs else frozenset(),
            provider=extensions.get("provider"),
            extensions=extensions,
            prompt_characters=sum(
                len(prompt) if isinstance(prompt, str) else len(prompt) * _CHARACTERS_PER_TOKEN for prompt in prompts
            ),
            affinity=request.user,
        )

    def parse_call(self, body: bytes, *, model: str) -> ModelCall:
        """Return the call as a conversation of one message.

        Raises InvalidRequest for what only a completions provider can do: several prompts, token ids, `suffix`, `echo`.
        """
        request, members = _READER.read(body)
        check_model(request.model)
        prompts = _prompts(request)
        if len(prompts) != 1 or not isinstance(prompts[0], str):
            raise _not_translatable("prompt", "only one prompt, given as text,")
        for name in ("suffix", "echo"):
            if getattr(request, name):
                raise _not_translatable(name, f"{name} is not something that")
        if (request.best_of or 1) > (request.n or 1):
            raise _not_translatable("best_of", "best_of is not something that")
        known = request.__struct_fields__
        extra = {
            name: decoded_member(raw, name)
            for name, raw in members.items()
            if name not in known and name not in EXTENSIONS
        }
        return ModelCall(
            model=model,
            messages=(Message(role="user", parts=(Text(text=prompts[0]),)),),
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            top_p=request.top_p,
            n=request.n,
            stop=(request.stop,) if isinstance(request.stop, str) else tuple(request.stop or ()),
            seed=request.seed,
            frequency_penalty=request.frequency_penalty,
            presence_penalty=request.presence_penalty,
            logit_bias=request.logit_bias,
            logprobs=True if request.logprobs else None,
            top_logprobs=request.logprobs or None,
            user=request.user,
            stream=bool(request.stream),
            include_usage=request.stream_options is not None and bool(request.stream_options.include_usage),
            format=OPENAI_COMPLETIONS,
            extra=extra or None,
        )

    def render_completion(self, completion: Completion, *, call: ModelCall, gateway_usage: GatewayUsage) -> bytes:
        """Return a whole answer for the caller."""
        return msgspec.json.encode(
            {
                "id": _completion_id(completion.id),
                "object": "text_completion",
                "created": completion.created,
                "model": completion.model,
                "choices": [_render_choice(choice) for choice in completion.choices],
                "usage": render_openai_usage(completion.usage),
                "gateway_usage": gateway_usage,
            }
        )

    def event_renderer(self, *, model: str, call: ModelCall) -> "CompletionEventRenderer":
        """Return a writer for one stream."""
        return CompletionEventRenderer(model=model, include_usage=call.include_usage)


class CompletionEventRenderer:
    """Writes one stream; `text` is always a string. See `caller.EventRenderer`."""

    def __init__(self, *, model: str, include_usage: bool) -> None:
        self._model = model
        self._include_usage = include_usage
        self._id = _ID_PREFIX
        self._created = 0
        self._offsets: dict[int, int] = {}
        self._finished: list[dict[str, Any]] = []

    def render(self, event: Event) -> bytes:
        """Return the bytes for one event; finish chunks are kept until `finish`, thinking is not shown."""
        match event:
            case StreamStarted():
                self._id = _completion_id(event.id)
                self._created = event.created
            case TextDelta() | RefusalDelta():
                return self._chunk([_choice(event.choice, event.text)])
            case LogprobsDelta():
                offset = self._offsets.get(event.choice, 0)
                logprobs, self._offsets[event.choice] = _legacy_logprobs(event.logprobs, offset)
                return self._chunk([_choice(event.choice, "", logprobs=logprobs)])
            case ChoiceFinished():
                self._finished.append(_choice(event.choice, "", finish=_FINISH_WORDS[event.reason]))
        return b""

    def finish(self, usage: Usage, gateway_usage: GatewayUsage) -> bytes:
        """Return finish chunks, the usage chunk when asked for, and the terminator."""
        spliced: dict[str, Any] = {"gateway_usage": gateway_usage}
        written = [self._chunk([choice]) for choice in self._finished[:-1]]
        last = self._finished[-1:]
        if self._include_usage:
            if last:
                written.append(self._chunk(last))
            written.append(self._chunk([], usage=render_openai_usage(usage), **spliced))
        elif last:
            written.append(self._chunk(last, **spliced))
        return b"".join(written) + DONE

    def fail(self, error: GatewayzError) -> bytes:
        """Return the one error event that ends a broken stream."""
        return b"data: " + _encode({"error": openai_error(error)}) + b"\n\n"

    def _chunk(self, choices: list[dict[str, Any]], **members: Any) -> bytes:
        chunk = {
            "id": self._id,
            "object": "text_completion",
            "created": self._created,
            "model": self._model,
            "choices": choices,
            **members,
        }
        return b"data: " + _encode(chunk) + b"\n\n"


def _prompts(request: CompletionsBody) -> list[str | list[int]]:
    """Return each prompt as text or token ids. Raises InvalidRequest when there is none, or the kinds are mixed."""
    prompt = request.prompt
    if isinstance(prompt, str):
        return [prompt]
    if not prompt:
        raise missing("prompt", "must not be empty")
    texts = [item for item in prompt if isinstance(item, str)]
    lists = [item for item in prompt if isinstance(item, list)]
    ids = [item for item in prompt if isinstance(item, int)]
    if len(ids) == len(prompt):
        return [ids]
    if len(texts) == len(prompt):
        return list(texts)
    if len(lists) == len(prompt):
        return list(lists)
    raise invalid("prompt must be text, a list of texts, or token ids", "prompt", "INVALID_PARAMETER_TYPE")


def _not_translatable(param: str, what: str) -> GatewayzError:
    return invalid(f"{what} this model's provider can answer here", param, "UNSUPPORTED_PARAMETER")


def _completion_id(id: str) -> str:
    return id if id.startswith(_ID_PREFIX) else _ID_PREFIX + id


def _render_choice(choice: Choice) -> dict[str, Any]:
    text = "".join(part.text for part in choice.parts if isinstance(part, Text | Refusal))
    logprobs = _legacy_logprobs(choice.logprobs, 0)[0] if choice.logprobs else None
    return _choice(choice.index, text, logprobs=logprobs, finish=_FINISH_WORDS[choice.finish_reason])


def _choice(index: int, text: str, *, logprobs: object = None, finish: str | None = None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": logprobs, "finish_reason": finish}


def _legacy_logprobs(logprobs: Any, offset: int) -> tuple[dict[str, Any], int]:
    """Return chat log probabilities in the older shape, and the text offset after them."""
    tokens: list[str] = []
    values: list[float] = []
    tops: list[dict[str, float]] = []
    offsets: list[int] = []
    for entry in logprobs.get("content") or ():
        if not isinstance(entry, dict):
            continue
        token = str(entry.get("token", ""))
        tokens.append(token)
        values.append(entry.get("logprob", 0.0))
        others = (top for top in entry.get("top_logprobs") or () if isinstance(top, dict))
        tops.append({str(top.get("token", "")): top.get("logprob", 0.0) for top in others})
        offsets.append(offset)
        offset += len(token)
    return {"tokens": tokens, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets}, offset


OPENAI_COMPLETIONS_DIALECT: Final = OpenAiCompletionsDialect()
