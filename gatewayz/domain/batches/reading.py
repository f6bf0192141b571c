"""From the input file to lines that can be run, or to what is wrong with it.

Every line is looked at, so that one try tells of all mistakes. Source: OpenAI API reference, Batch,
"The request input object"; codes as OpenAI's.
"""

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

import msgspec

from gatewayz.config.sections.batches import Batches as BatchRules
from gatewayz.dialects.repeated_names import repeated_member
from gatewayz.sdk.errors import GatewayzError
from gatewayz.store.batch_records import BatchProblem, NewLine

__all__ = ["LineReader"]

_TOLD_PROBLEMS: Final = 100
"""Of one file; those beyond are not told."""
_CUSTOM_ID_CHARACTERS: Final = 512


class _Line(msgspec.Struct, frozen=True):
    custom_id: str
    method: str
    url: str
    body: msgspec.Raw


class _Body(msgspec.Struct, frozen=True):
    model: str
    stream: bool | None = None


class LineReader:
    """Reads one file.

    :param check_model: raises GatewayzError for a model that cannot be called.
    """

    def __init__(self, endpoint: str, rules: BatchRules, check_model: Callable[[str], None]) -> None:
        self._endpoint = endpoint
        self._rules = rules
        self._check_model = check_model
        self._seen: set[str] = set()
        self._decoder = msgspec.json.Decoder(_Line)
        self._bodies = msgspec.json.Decoder(_Body)
        self._members = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self.problems: list[BatchProblem] = []
        self.model: str | None = None
        """Of the first line that names one."""
        self.count = 0
        """Lines that can be run."""

    async def read(self, content: AsyncIterator[bytes]) -> AsyncIterator[NewLine]:
        """Yield the lines that are right; look at `problems` afterwards."""
        rest, number = bytearray(), 0
        async for chunk in content:
            rest += chunk
            *lines, tail = bytes(rest).split(b"\n")
            rest = bytearray(tail)
            for text in lines:
                number += 1
                for line in self._line(text, number):
                    yield line
            if len(rest) > self._rules.max_line_bytes or self.count > self._rules.max_requests:
                break
        for line in self._line(bytes(rest), number + 1):
            yield line
        self._judge()

    def _judge(self) -> None:
        """Note what is wrong with the file as a whole."""
        if self.count > self._rules.max_requests:
            self._note("max_requests_exceeded", f"A batch may have {self._rules.max_requests} requests.")
        elif not self.count and not self.problems:
            self._note("empty_file", "The input file has no requests.")

    def _line(self, text: bytes, number: int) -> Iterator[NewLine]:
        text = text.strip()
        if not text:
            return
        if len(text) > self._rules.max_line_bytes:
            self._note("line_too_long", f"A line may have {self._rules.max_line_bytes} bytes.", number)
            return
        try:
            line = self._decoder.decode(text)
            body = self._bodies.decode(line.body)
            repeated = self._repeated(text) or self._repeated(bytes(line.body))
        except msgspec.ValidationError as err:
            self._note("invalid_request", *_told(err, number))
            return
        except (msgspec.DecodeError, ValueError, RecursionError):
            self._note("invalid_json_line", "This line is not parseable as valid JSON.", number)
            return
        if repeated is not None:
            self._note("invalid_json_line", f"The line gives {repeated[:100]!r} more than once.", number)
        elif self._is_right(line, body, number):
            self.count += 1
            yield NewLine(number=number, custom_id=line.custom_id, body=bytes(line.body))

    def _repeated(self, text: bytes) -> str | None:
        """Return a name an object gives twice at its top: deeper ones are the providers', as in any other call."""
        return repeated_member(text, self._members.decode(text))

    def _is_right(self, line: _Line, body: _Body, number: int) -> bool:
        if not 0 < len(line.custom_id) <= _CUSTOM_ID_CHARACTERS or "\x00" in line.custom_id:
            told = f"custom_id has 1 to {_CUSTOM_ID_CHARACTERS} characters."
            return self._note("invalid_custom_id", told, number, "custom_id")
        if line.custom_id in self._seen:
            told = "The custom_id for this request is a duplicate of another request's in this file."
            return self._note("duplicate_custom_id", told, number, "custom_id")
        self._seen.add(line.custom_id)
        if line.method != "POST":
            return self._note("invalid_method", "The method is POST.", number, "method")
        if line.url != self._endpoint:
            told = f"The url is the endpoint of the batch, {self._endpoint}."
            return self._note("invalid_url", told, number, "url")
        if body.stream:
            return self._note("invalid_request", "Answers of a batch are not streamed.", number, "body.stream")
        return self._is_model_right(body.model, number)

    def _is_model_right(self, model: str, number: int) -> bool:
        if self.model is None:
            self.model = model
            try:
                self._check_model(model)
            except GatewayzError as error:
                return self._note(error.code.lower(), error.message, number, "body.model")
        elif model != self.model:
            return self._note("mismatched_model", "All lines of a batch name the same model.", number, "body.model")
        return True

    def _note(self, code: str, message: str, line: int | None = None, param: str | None = None) -> bool:
        """Keep a problem; return False, for callers that say whether a line is right."""
        if len(self.problems) < _TOLD_PROBLEMS:
            self.problems.append(BatchProblem(code=code, message=message, line=line, param=param))
        return False


def _told(err: msgspec.ValidationError, number: int) -> tuple[str, int, str | None]:
    """Return message, line and parameter; msgspec writes `... - at `$.a.b``, or names the missing field."""
    message, _, path = str(err).partition(" - at `")
    param = path.rstrip("`").removeprefix("$").removeprefix(".") or None
    if message.startswith("Object missing required field"):
        param = message.split("`")[1]
    return f"{message}.", number, param
