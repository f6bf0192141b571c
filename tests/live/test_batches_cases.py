"""`/v1/files` and `/v1/batches` by the OpenAI SDK, against a started server."""

import signal
import threading
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import msgspec
import openai
import pytest
from openai.types import Batch

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import Seen, StubUpstream, stub_upstream

MODEL = "openai/gpt-4o-mini"
ENDED = ("completed", "failed", "expired", "cancelled")
QUICK = {"poll_s": 0.1, "lease_s": 1.5, "retry_s": 0.01}


def config(upstream: StubUpstream, **batches: Any) -> dict[str, Any]:
    return {
        "providers": {"openai": {"base_url": upstream.url, "api_key": "sk-up"}, "local": {"enabled": False}},
        "billing": {"use": "credits"},
        "batches": {**QUICK, **batches},
        "ledger": {"beat_s": 0.3, "lease_s": 1.5},
        "files": {"max_file_bytes": 30 * 1024 * 1024, "max_user_bytes": 40 * 1024 * 1024},
    }


class Shop:
    """A gateway that bills by credits, and its customers by the SDK."""

    def __init__(self, gateway: GatewayProcess, upstream: StubUpstream) -> None:
        self.gateway, self.upstream = gateway, upstream
        self.names = 0

    def customer(self, credits: str = "5") -> openai.OpenAI:
        self.names += 1
        shown = self.gateway.add_user(f"u{self.names}@example.com", "--credits", credits)
        return self.client(shown["api_key"])

    def client(self, key: str) -> openai.OpenAI:
        return openai.OpenAI(api_key=key, base_url=f"{self.gateway.base}/v1", max_retries=0, timeout=20)

    def purchased(self, client: openai.OpenAI) -> float:
        balance: float = self.ask(client, "/user/balance")["credits"]
        return balance

    def ask(self, client: openai.OpenAI, path: str) -> Any:
        headers = {"authorization": f"Bearer {client.api_key}"}
        return httpx.get(self.gateway.base + path, headers=headers, timeout=20).raise_for_status().json()


@pytest.fixture(scope="module")
def shop_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("batches")
    with stub_upstream() as upstream, GatewayProcess(folder, config(upstream)) as gateway:
        yield Shop(gateway, upstream)


@pytest.fixture
def shop(shop_module: Shop) -> Shop:
    shop_module.upstream.recover()
    shop_module.upstream.seen.clear()
    httpx.post(f"{shop_module.gateway.base}/circuit-breakers/reset-all")
    return shop_module


def line(custom_id: str, text: str = "ping", url: str = "/v1/chat/completions", **more: Any) -> dict[str, Any]:
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}], "max_tokens": 16, **more}
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def jsonl(*lines: Any) -> bytes:
    return b"\n".join(each if isinstance(each, bytes) else msgspec.json.encode(each) for each in lines)


def upload(client: openai.OpenAI, content: bytes) -> str:
    return client.files.create(file=("lines.jsonl", content), purpose="batch").id


def start(client: openai.OpenAI, *lines: Any, endpoint: Any = "/v1/chat/completions") -> Batch:
    file_id = upload(client, jsonl(*lines))
    return client.batches.create(input_file_id=file_id, endpoint=endpoint, completion_window="24h")


def end(client: openai.OpenAI, batch: Batch, within_s: float = 30.0) -> Batch:
    ends = monotonic() + within_s
    while (batch := client.batches.retrieve(batch.id)).status not in ENDED and monotonic() < ends:
        sleep(0.05)
    assert batch.status in ENDED, batch
    return batch


def read(client: openai.OpenAI, file_id: str | None) -> list[Any]:
    assert file_id is not None
    return [msgspec.json.decode(each) for each in client.files.content(file_id).content.splitlines()]


def test_a_file_is_kept_as_it_was_sent(shop: Shop) -> None:
    client, content = shop.customer(), b'{"a": "\r\n--x"}\n' * 100_000  # six rows of the store
    file = client.files.create(
        file=("../of me.jsonl", BytesIO(content)),
        purpose="batch",
        expires_after={"anchor": "created_at", "seconds": 3600},
    )
    assert (file.bytes, file.filename, file.purpose, file.status) == (len(content), "of me.jsonl", "batch", "processed")
    assert file.id.startswith("file-") and file.expires_at == file.created_at + 3600
    assert client.files.retrieve(file.id) == file
    assert client.files.content(file.id).content == content
    assert client.files.delete(file.id).deleted
    with pytest.raises(openai.NotFoundError) as gone:
        client.files.retrieve(file.id)
    assert gone.value.code == "file_not_found" and gone.value.param == "file_id"


def test_files_are_paged(shop: Shop) -> None:
    client = shop.customer()
    ids = [upload(client, b"{}") for _ in range(5)]
    assert [each.id for each in client.files.list(limit=2)] == ids[::-1]
    page = client.files.list(limit=2, order="asc")
    assert [each.id for each in page.data] == ids[:2] and page.has_more
    assert [each.id for each in client.files.list(order="asc", after=ids[2]).data] == ids[3:]
    assert client.files.list(purpose="batch_output").data == []
    with pytest.raises(openai.NotFoundError):
        client.files.list(after="file-unknown")


def test_what_is_no_upload_is_refused(shop: Shop) -> None:
    client = shop.customer()
    with pytest.raises(openai.BadRequestError) as refused:
        client.files.create(file=b"{}", purpose="user_data")
    assert refused.value.param == "purpose" and "'user_data'" in refused.value.message
    url, headers = f"{shop.gateway.base}/v1/files", {"authorization": f"Bearer {client.api_key}"}

    def send(**form: Any) -> tuple[int, str | None]:
        reply = httpx.post(url, headers=headers, **form)
        return reply.status_code, reply.json()["error"]["param"]

    batch = {"purpose": "batch"}
    assert send(data=batch, files={"file": b"x" * (31 * 1024 * 1024)})[0] == 413
    assert send(json={"purpose": "batch"})[0] == 415
    assert send(files={"file": b"{}"}) == (400, "purpose")
    assert send(data=batch, files={"other": b"{}"}) == (400, "other")
    assert send(data=batch, files={"file": b""}) == (400, "file")
    multipart = {**headers, "content-type": "multipart/form-data; boundary=b"}
    cut = b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n{}'
    assert httpx.post(url, headers=multipart, content=cut).status_code == 400
    expiry = {**batch, "expires_after[anchor]": "created_at", "expires_after[seconds]": "1"}
    assert send(data=expiry, files={"file": b"{}"}) == (400, "expires_after[seconds]")
    assert client.files.list().data == []


def test_files_of_a_user_are_bounded(shop: Shop) -> None:
    client, most = shop.customer(), b"x" * (25 * 1024 * 1024)
    kept = upload(client, most)
    with pytest.raises(openai.BadRequestError) as refused:
        upload(client, most)
    assert refused.value.code == "file_storage_full"
    client.files.delete(kept)
    ends = monotonic() + 5
    while monotonic() < ends:  # what was refused is forgotten in the background
        try:
            upload(client, most)
            return
        except openai.BadRequestError:
            sleep(0.05)
    pytest.fail("room was not given back")


def test_a_batch_answers_every_line_at_half_the_price(shop: Shop) -> None:
    client = shop.customer()
    before = shop.purchased(client)
    alone = client.chat.completions.create(**line("x")["body"])
    price = round((before - shop.purchased(client)) * 1e9)
    usage = alone.model_dump()["usage"]
    assert price == usage["prompt_tokens"] * 150 + usage["completion_tokens"] * 600
    before = shop.purchased(client)
    batch = start(client, *(line(f"line {number}") for number in range(20)))
    assert batch.status == "validating" and batch.endpoint == "/v1/chat/completions"
    done = end(client, batch)
    assert done.status == "completed" and done.error_file_id is None
    assert done.request_counts is not None
    assert done.request_counts.model_dump() == {"total": 20, "completed": 20, "failed": 0}
    shown = read(client, done.output_file_id)
    assert [each["custom_id"] for each in shown] == [f"line {number}" for number in range(20)]
    for each in shown:
        assert each["error"] is None and each["response"]["status_code"] == 200
        assert each["response"]["body"]["choices"][0]["message"]["content"]
        assert each["response"]["body"]["usage"]["completion_tokens"] == usage["completion_tokens"]
        assert round(each["response"]["body"]["gateway_usage"]["cost_usd"] * 1e9) * 2 == price
    assert round((before - shop.purchased(client)) * 1e9) == 10 * price
    assert done.in_progress_at and done.finalizing_at and done.completed_at
    assert done.output_file_id is not None
    file = client.files.retrieve(done.output_file_id)
    assert file.purpose == "batch_output" and file.filename == f"{batch.id}_output.jsonl"


def test_other_endpoints(shop: Shop) -> None:
    client = shop.customer()
    body = {"model": MODEL, "input": "ping", "max_output_tokens": 16}
    asked = {"custom_id": "one", "method": "POST", "url": "/v1/responses", "body": body}
    done = end(client, start(client, asked, endpoint="/v1/responses"))
    (shown,) = read(client, done.output_file_id)
    assert shown["response"]["body"]["object"] == "response"


def test_what_is_wrong_with_a_file_is_told_by_line(shop: Shop) -> None:
    client = shop.customer()
    batch = start(
        client,
        line("a"),
        b"{no json",
        line("a"),
        line("c", url="/v1/embeddings"),
        b"",
        {**line("d"), "method": "GET"},
        line("e", model="openai/gpt-4o"),
        line("f", stream=True),
        {"custom_id": "g", "method": "POST", "url": "/v1/chat/completions"},
    )
    failed = end(client, batch)
    assert failed.status == "failed" and failed.output_file_id is None and failed.errors is not None
    assert [(each.line, each.code, each.param) for each in failed.errors.data or []] == [
        (2, "invalid_json_line", None),
        (3, "duplicate_custom_id", "custom_id"),
        (4, "invalid_url", "url"),
        (6, "invalid_method", "method"),
        (7, "mismatched_model", "body.model"),
        (8, "invalid_request", "body.stream"),
        (9, "invalid_request", "body"),
    ]
    unknown = end(client, start(client, line("a", model="no/such")))
    assert unknown.errors is not None and (unknown.errors.data or [])[0].code == "model_not_found"
    assert shop.upstream.seen == []
    assert [each.id for each in client.batches.list(limit=1)] == [unknown.id, batch.id]


def test_batches_are_asked_for_with_care(shop: Shop) -> None:
    client = shop.customer()
    file_id = upload(client, jsonl(line("a")))
    with pytest.raises(openai.NotFoundError):
        client.batches.create(input_file_id="file-unknown", endpoint="/v1/embeddings", completion_window="24h")
    with pytest.raises(openai.APIStatusError) as refused:
        client.batches.create(input_file_id=file_id, endpoint="/v1/embeddings", completion_window="1h")  # type: ignore[arg-type]
    assert refused.value.status_code == 422 and "completion_window" in str(refused.value)


def test_refused_lines_are_in_the_error_file(shop: Shop) -> None:
    client = shop.customer()

    def behave(seen: Seen) -> Any:
        if "bad" in str(seen.body):
            return 400, {}, [b'{"error": {"message": "stub says no", "type": "invalid_request_error"}}']
        return None

    shop.upstream.behave = behave
    before = shop.purchased(client)
    done = end(client, start(client, line("a"), line("b", "bad"), line("c")))
    assert done.status == "completed" and done.request_counts is not None
    assert (done.request_counts.completed, done.request_counts.failed) == (2, 1)
    assert [each["custom_id"] for each in read(client, done.output_file_id)] == ["a", "c"]
    (refused,) = read(client, done.error_file_id)
    assert refused["custom_id"] == "b" and refused["response"]["status_code"] == 400
    assert refused["response"]["body"]["error"]["message"]
    good = sum(each["response"]["body"]["gateway_usage"]["cost_usd"] for each in read(client, done.output_file_id))
    assert round((before - shop.purchased(client)) * 1e9) == round(good * 1e9)


def test_a_provider_without_time_is_asked_again(shop: Shop) -> None:
    client, busy = shop.customer(), [429, 503]

    def behave(seen: Seen) -> Any:
        return (busy.pop(), {}, [b'{"error": {"message": "busy"}}']) if busy else None

    shop.upstream.behave = behave
    done = end(client, start(client, line("a")))
    assert done.status == "completed" and done.request_counts is not None and done.request_counts.completed == 1
    assert len(shop.upstream.seen) == 3


def test_a_balance_that_runs_out_ends_the_rest_as_errors(shop: Shop) -> None:
    client = shop.customer("0.00002")
    done = end(client, start(client, *(line(str(number)) for number in range(30))))
    assert done.status == "completed" and done.request_counts is not None
    assert done.request_counts.completed > 0 and done.request_counts.failed > 0
    refused = read(client, done.error_file_id)
    assert {each["response"]["status_code"] for each in refused} == {402}
    assert refused[0]["response"]["body"]["error"]["code"] == "insufficient_quota"
    assert shop.purchased(client) >= 0


def test_cancel_begins_no_further_line(shop: Shop) -> None:
    client, may_go_on = shop.customer(), threading.Event()

    def behave(seen: Seen) -> Any:
        return None if may_go_on.is_set() else (503, {}, [0.3, b"{}"])

    shop.upstream.behave = behave
    batch = start(client, *(line(str(number)) for number in range(100)))
    ends = monotonic() + 10
    while not shop.upstream.seen and monotonic() < ends:
        sleep(0.02)
    assert client.batches.cancel(batch.id).status == "cancelling"
    may_go_on.set()
    done = end(client, batch)
    assert done.status == "cancelled" and done.cancelled_at and client.batches.cancel(batch.id).status == "cancelled"
    unrun = [each for each in read(client, done.error_file_id) if each["response"] is None]
    assert len(unrun) > 80 and unrun[0]["error"]["code"] == "batch_cancelled"
    assert len(shop.upstream.seen) < 50


def test_a_revoked_key_runs_no_more_lines(shop: Shop) -> None:
    client, may_go_on = shop.customer(), threading.Event()
    made = httpx.post(
        f"{shop.gateway.base}/user/api-keys",
        json={"key_name": "other"},
        headers={"authorization": f"Bearer {client.api_key}"},
    ).json()
    second = shop.client(made["api_key"])

    def behave(seen: Seen) -> Any:
        return None if may_go_on.is_set() else (400, {}, [0.2, b'{"error": {"message": "no"}}'])

    shop.upstream.behave = behave
    batch = start(second, *(line(str(number)) for number in range(30)))
    ends = monotonic() + 10
    while not shop.upstream.seen and monotonic() < ends:
        sleep(0.02)
    headers = {"authorization": f"Bearer {client.api_key}", "content-type": "application/json"}
    gone = httpx.request(
        "DELETE",
        f"{shop.gateway.base}/user/api-keys/{made['key_id']}",
        headers=headers,
        content=b'{"confirmation": "DELETE_KEY"}',
    )
    assert gone.status_code == 200, gone.text
    may_go_on.set()
    done = end(client, batch)
    assert done.status == "completed" and len(shop.upstream.seen) < 30
    assert {each["response"]["status_code"] for each in read(client, done.error_file_id)} == {400, 401}


def kill_when_seen(gateway: GatewayProcess, upstream: StubUpstream, count: int) -> None:
    ends = monotonic() + 30
    while len(upstream.seen) < count and monotonic() < ends:
        sleep(0.005)
    assert count <= len(upstream.seen) < 300
    gateway.stop(signal.SIGKILL)


def test_killed_and_started_again_no_line_is_charged_twice(tmp_path: Path) -> None:
    with stub_upstream() as upstream:
        upstream.behave = lambda seen: None
        gateway = GatewayProcess(tmp_path, config(upstream, concurrency=8))
        with gateway:
            shop = Shop(gateway, upstream)
            client = shop.customer()
            before = shop.purchased(client)
            batch = start(client, *(line(str(number)) for number in range(300)))
            kill_when_seen(gateway, upstream, 40)
        gateway = GatewayProcess(tmp_path, config(upstream, concurrency=8))
        with gateway:
            kill_when_seen(gateway, upstream, 150)
        gateway = GatewayProcess(tmp_path, config(upstream, concurrency=8))
        with gateway:
            shop = Shop(gateway, upstream)
            client = shop.client(client.api_key)
            done = end(client, batch, 60)
            assert done.status == "completed" and done.request_counts is not None
            assert done.request_counts.completed == 300
            shown = read(client, done.output_file_id)
            assert [each["custom_id"] for each in shown] == [str(number) for number in range(300)]
            costs = [round(each["response"]["body"]["gateway_usage"]["cost_usd"] * 1e9) for each in shown]
            ends = monotonic() + 10
            while (spent := round((before - shop.purchased(client)) * 1e9)) != sum(costs) and monotonic() < ends:
                sleep(0.1)  # holds of the dead process are released by the sweep
            assert spent == sum(costs)
