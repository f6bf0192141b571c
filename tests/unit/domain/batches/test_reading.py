from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.config.sections.batches import Batches
from gatewayz.domain.batches.reading import LineReader
from gatewayz.sdk.errors import ModelNotFound
from gatewayz.store.batch_records import NewLine

CHAT = "/v1/chat/completions"


def line(custom_id: Any = "a", **changed: Any) -> bytes:
    body = {"model": "m", "messages": []}
    return msgspec.json.encode({"custom_id": custom_id, "method": "POST", "url": CHAT, "body": body, **changed})


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def read(content: bytes, size: int = 7, rules: Batches | None = None) -> tuple[list[NewLine], LineReader]:
    reader = LineReader(CHAT, rules or Batches(), lambda model: None)
    return [each async for each in reader.read(pieces(content, size))], reader


@given(st.integers(1, 60), st.integers(0, 5), st.booleans())
async def test_lines_are_found_however_they_come(size: int, count: int, ends: bool) -> None:
    content = b"\n\n".join(line(f"id-{number}") for number in range(count)) + b"\r\n" * ends
    lines, reader = await read(content, size)
    assert [(each.number, each.custom_id) for each in lines] == [(2 * at + 1, f"id-{at}") for at in range(count)]
    assert all(msgspec.json.decode(each.body)["model"] == "m" for each in lines)
    assert [each.code for each in reader.problems] == ([] if count else ["empty_file"])


@pytest.mark.parametrize(
    ("content", "code", "param"),
    [
        (b"{", "invalid_json_line", None),
        (line().replace(b'"method"', b'"custom_id":"b","method"'), "invalid_json_line", None),
        (line(body={"model": "m"}).replace(b'"model"', b'"model":"x","model"'), "invalid_json_line", None),
        (line().replace(b"[]", b"[" * 100_000 + b"]" * 100_000), "invalid_json_line", None),
        (b"\xff", "invalid_json_line", None),
        (b"[]", "invalid_request", None),
        (line(1), "invalid_request", "custom_id"),
        (line(""), "invalid_custom_id", "custom_id"),
        (line("x" * 513), "invalid_custom_id", "custom_id"),
        (line(method="GET"), "invalid_method", "method"),
        (line(url="/v1/embeddings"), "invalid_url", "url"),
        (line(body={}), "invalid_request", "model"),
        (line(body={"model": "m", "stream": True}), "invalid_request", "body.stream"),
    ],
)
async def test_what_is_wrong_is_named(content: bytes, code: str, param: str | None) -> None:
    lines, reader = await read(line("good") + b"\n" + content)
    assert [each.custom_id for each in lines] == ["good"]
    assert [(each.line, each.code, each.param) for each in reader.problems] == [(2, code, param)]


async def test_a_large_line_is_read_without_making_objects_of_all_it_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("json.loads", None)  # 0.8 s for 8 MiB, in which nobody else is served
    messages = [{"role": "user", "content": "x"}] * 10_000
    lines, reader = await read(line(body={"model": "m", "messages": messages}), size=100_000)
    assert len(lines) == 1 and reader.problems == []


async def test_bounds() -> None:
    few = Batches(max_requests=2, max_line_bytes=200)
    _, reader = await read(b"\n".join(line(str(number)) for number in range(9)), rules=few)
    assert [each.code for each in reader.problems] == ["max_requests_exceeded"]
    _, reader = await read(line("x" * 300), rules=few)
    assert [each.code for each in reader.problems] == ["line_too_long"]
    _, reader = await read(b"{\n" * 500)
    assert len(reader.problems) == 100


async def test_a_batch_has_one_model_that_can_be_called() -> None:
    asked: list[str] = []

    def check(model: str) -> None:
        asked.append(model)
        raise ModelNotFound("no")

    reader = LineReader(CHAT, Batches(), check)
    content = line("a") + b"\n" + line("b") + b"\n" + line("c", body={"model": "other"})
    found = [each async for each in reader.read(pieces(content, 99))]
    assert [each.custom_id for each in found] == ["b"] and asked == ["m"]
    assert [(each.line, each.code) for each in reader.problems] == [(1, "model_not_found"), (3, "mismatched_model")]
