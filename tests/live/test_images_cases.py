"""Pictures over HTTP against a started server that bills by credits: OpenAI's SDK, exact charges, failover, refusals.

Source: spec 08 §1, cases 18.1-18.3.
"""

import contextlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import httpx
import msgspec
import openai
import pytest

from tests.fakes.gateway_process import GatewayProcess
from tests.fakes.stub_upstream import StubUpstream, stub_upstream

PATH = "/v1/images/generations"
MODEL = "acme/painter"
KITE = {"model": MODEL, "prompt": "A small red kite over a lake"}


class Studio:
    """A gateway with two providers of one painter, and customers."""

    def __init__(self, gateway: GatewayProcess, stubs: tuple[StubUpstream, StubUpstream], client: httpx.Client) -> None:
        self.gateway, (self.first, self.second), self.client = gateway, stubs, client
        self.key = gateway.create_user("u@example.com", "--credits", "5")
        self.poor = gateway.create_user("poor@example.com", "--credits", "0.05")
        self.user = {"authorization": f"Bearer {self.key}"}

    def draw(self, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        return self.client.post(PATH, json={**KITE, **body}, headers=self.user if headers is None else headers)

    def balance(self, key: str | None = None) -> Decimal:
        headers = {"authorization": f"Bearer {key or self.key}"}
        return Decimal(str(self.client.get("/user/balance", headers=headers).json()["credits"]))


@pytest.fixture(scope="module")
def studio_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    with stub_upstream() as first, stub_upstream() as second:
        maker = {"use": "openai_compatible", "formats": ["openai_images"], "api_key": "sk-up", "listing": None}
        config = {
            "providers": {
                "first": {**maker, "base_url": first.url},
                "second": {**maker, "base_url": second.url},
                "fal": {"base_url": first.url, "api_key": "sk-up"},
                "openai": {"base_url": first.url, "api_key": "sk-up"},
                "local": {"enabled": False},
            },
            "billing": {"use": "credits"},
            "models": {
                MODEL: {
                    "modality": "text->image",
                    "price": {"image": "0.04"},
                    "offers": {"first": {"id": "painter-1"}, "second": {"id": "painter-2"}},
                },
                "acme/listed": {
                    "modality": "text->image",
                    "price": {
                        "images": [
                            {"size": "1024x1024", "quality": "standard", "price": "0.04"},
                            {"size": "1024x1024", "quality": "hd", "price": "0.08"},
                        ]
                    },
                    "offers": {"first": {"id": "listed"}},
                },
                "acme/tokens": {
                    "modality": "text->image",
                    "price": {"input": "5", "output": "40", "images": [{"tokens": 1000}]},
                    "offers": {"first": {"id": "tokens"}},
                },
                "acme/unpriced": {"modality": "text->image", "offers": {"first": {"id": "unpriced"}}},
            },
        }
        folder: Path = tmp_path_factory.mktemp("studio")
        with GatewayProcess(folder, config) as gateway, httpx.Client(base_url=gateway.base, timeout=20) as client:
            yield Studio(gateway, (first, second), client)


@pytest.fixture
def studio(studio_module: Studio) -> Studio:
    for stub in (studio_module.first, studio_module.second):
        stub.recover()
        stub.seen.clear()
    studio_module.client.post("/circuit-breakers/reset-all")
    return studio_module


def test_18_1_and_18_2_a_picture_and_its_charge(studio: Studio) -> None:
    before = studio.balance()
    reply = studio.draw(size="512x512", n=2, user="u-1", seed=7)
    assert reply.status_code == 200, reply.text
    shown = reply.json()
    assert [each["url"] for each in shown["data"]] == ["https://pictures.example.com/1.png"] * 2
    assert (shown["provider"], shown["model"], shown["created"]) == ("first", MODEL, 1)
    usage = shown["gateway_usage"]
    assert usage["cost_usd"] == 0.06 and usage["cost_per_image"] == 0.03 and usage["images_generated"] == 2
    assert usage["tokens_charged"] == 200 and usage["resolution_multiplier"] == 0.75 and usage["size"] == "512x512"
    assert before - studio.balance() == Decimal("0.06")
    assert studio.first.seen[0].path == "/v1/images/generations"
    assert studio.first.seen[0].body == {
        "model": "painter-1",
        "prompt": KITE["prompt"],
        "size": "512x512",
        "n": 2,
        "user": "u-1",
        "seed": 7,
    }


def test_18_3_no_credit_no_call(studio: Studio) -> None:
    refused = studio.draw({"authorization": f"Bearer {studio.poor}"}, n=2)
    assert refused.status_code == 402 and refused.json()["error"]["type"] == "insufficient_quota"
    assert not studio.first.seen
    allowed = studio.draw({"authorization": f"Bearer {studio.poor}"})
    assert allowed.status_code == 200 and studio.balance(studio.poor) == Decimal("0.01")


def test_openais_sdk(studio: Studio) -> None:
    with openai.OpenAI(base_url=f"{studio.gateway.base}/v1", api_key=studio.key, max_retries=0) as client:
        urls = client.images.generate(model=MODEL, prompt="a kite", n=2, size="1024x1024")
        assert [each.url for each in urls.data or ()] == ["https://pictures.example.com/1.png"] * 2
        inline = client.images.generate(model=MODEL, prompt="a kite", response_format="b64_json")
        assert [each.b64_json for each in inline.data or ()] == ["aGVsbG8="]
        with pytest.raises(openai.BadRequestError) as caught:
            client.images.generate(model=MODEL, prompt="a kite", n=11)
        assert caught.value.param == "n"


def test_prices_by_quality(studio: Studio) -> None:
    assert studio.draw(model="acme/listed").json()["gateway_usage"]["cost_usd"] == 0.04
    assert studio.draw(model="acme/listed", quality="hd").json()["gateway_usage"]["cost_usd"] == 0.08


def test_prices_by_token(studio: Studio) -> None:
    counted = {"input_tokens": 100, "output_tokens": 2000, "total_tokens": 2100}
    body = {"created": 1, "data": [{"b64_json": "aGVsbG8="}], "usage": counted, "size": "1536x1024"}
    studio.first.behave = lambda seen: (200, {}, [msgspec.json.encode(body)])
    usage = studio.draw(model="acme/tokens").json()["gateway_usage"]
    assert usage["cost_usd"] == 0.0805 and usage["tokens_charged"] == 2100 and usage["size"] == "1536x1024"
    studio.first.recover()
    assert studio.draw(model="acme/tokens").json()["gateway_usage"]["cost_usd"] == 0.04


def test_only_what_was_made_is_charged(studio: Studio) -> None:
    body = {"created": 1, "data": [{"url": "https://x.example.com/1.png"}, {"url": None}]}
    studio.first.behave = lambda seen: (200, {}, [msgspec.json.encode(body)])
    before = studio.balance()
    assert studio.draw(n=4).json()["gateway_usage"]["images_generated"] == 1
    assert before - studio.balance() == Decimal("0.04")


def test_failover_charges_once(studio: Studio) -> None:
    before = studio.balance()
    studio.first.fail(503)
    reply = studio.draw()
    assert reply.status_code == 200 and reply.json()["provider"] == "second"
    assert studio.second.seen[0].body["model"] == "painter-2"
    assert before - studio.balance() == Decimal("0.04")


def test_an_answer_without_pictures_goes_on_to_the_next(studio: Studio) -> None:
    studio.first.behave = lambda seen: (200, {}, [b'{"created": 1, "data": []}'])
    assert studio.draw().json()["provider"] == "second"


def test_failures_are_free(studio: Studio) -> None:
    before = studio.balance()
    for stub in (studio.first, studio.second):
        stub.fail(500)
    assert studio.draw().status_code == 502
    assert studio.balance() == before


def test_a_refused_prompt_is_tried_once(studio: Studio) -> None:
    before = studio.balance()
    said = {"error": {"message": "Your request was rejected.", "code": "content_policy_violation"}}
    studio.first.behave = lambda seen: (400, {}, [msgspec.json.encode(said)])
    reply = studio.draw()
    assert reply.status_code == 400 and reply.json()["error"]["code"] == "content_filter"
    assert not studio.second.seen and studio.balance() == before


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"prompt": ""}, 422, "prompt"),
        ({"prompt": "  "}, 422, "prompt"),
        ({"prompt": 7}, 400, "prompt"),
        ({"size": "big"}, 400, "size"),
        ({"size": "0x10"}, 400, "size"),
        ({"size": "4096x4096"}, 400, "size"),
        ({"n": 0}, 400, "n"),
        ({"n": 11}, 400, "n"),
        ({"n": "two"}, 400, "n"),
        ({"quality": "best"}, 400, "quality"),
        ({"style": "loud"}, 400, "style"),
        ({"response_format": "png"}, 400, "response_format"),
        ({"stream": True}, 400, "stream"),
        ({"provider": "nobody"}, 400, "provider"),
        ({"model": "acme/nobody"}, 404, "model"),
        ({"model": "acme/unpriced"}, 422, "model"),
        ({"model": "openai/gpt-4o-mini"}, 400, "model"),
    ],
)
def test_what_is_refused(studio: Studio, body: dict[str, Any], status: int, param: str) -> None:
    reply = studio.draw(**body)
    assert reply.status_code == status, reply.text
    assert reply.json()["error"]["param"] == param
    assert not studio.first.seen


def test_a_painter_does_not_converse(studio: Studio) -> None:
    asked = {"model": MODEL, "messages": [{"role": "user", "content": "hi"}]}
    reply = studio.client.post("/v1/chat/completions", json=asked, headers=studio.user)
    assert reply.status_code == 400 and reply.json()["error"]["param"] == "model" and not studio.first.seen


def test_nobody_draws_without_a_key(studio: Studio) -> None:
    for headers in ({}, {"authorization": "Bearer sk-wrong"}):
        assert studio.draw(headers).status_code == 401
    assert not studio.first.seen


def test_one_picture_for_one_id(studio: Studio) -> None:
    before = studio.balance()
    headers = {**studio.user, "idempotency-key": "kite-1"}
    first, again = studio.draw(headers), studio.draw(headers)
    assert first.json() == again.json() and again.headers["idempotent-replayed"] == "true"
    assert len(studio.first.seen) == 1 and before - studio.balance() == Decimal("0.04")


def test_who_leaves_pays_nothing_for_a_picture_that_never_came(studio: Studio) -> None:
    before = studio.balance()

    studio.first.behave = lambda seen: (200, {}, [5.0, b"{}"])
    with contextlib.suppress(httpx.TimeoutException):
        studio.client.post(PATH, json=KITE, headers=studio.user, timeout=1)
    assert studio.first.seen[0].hung_up.wait(10)
    end = monotonic() + 10
    while studio.balance() != before and monotonic() < end:
        sleep(0.1)
    assert studio.balance() == before


def test_fal_is_spoken_to_in_its_own_format(studio: Studio) -> None:
    made = {"images": [{"url": "https://fal.example.com/1.png"}], "prompt": "kite", "seed": 7}
    studio.first.behave = lambda seen: (200, {}, [msgspec.json.encode(made)])
    before = studio.balance()
    shown = studio.draw(model="fal-ai/flux/dev", size="1024x768", seed=7).json()
    assert shown["data"] == [{"url": "https://fal.example.com/1.png", "revised_prompt": "kite"}]
    assert (shown["provider"], shown["model"]) == ("fal", "flux/dev")
    assert before - studio.balance() == Decimal("0.025")
    seen = studio.first.seen[0]
    assert seen.path == "/v1/fal-ai/flux/dev" and seen.headers["authorization"] == "Key sk-up"
    assert seen.body == {
        "prompt": KITE["prompt"],
        "num_images": 1,
        "image_size": {"width": 1024, "height": 768},
        "seed": 7,
    }


def test_the_receipt(studio: Studio) -> None:
    headers = {**studio.user, "x-request-id": "req_picture_receipt"}
    assert studio.draw(headers, size="2048x2048").status_code == 200
    end = monotonic() + 10
    while True:
        reply = studio.client.get("/v1/generation", params={"id": "req_picture_receipt"}, headers=studio.user)
        if reply.status_code == 200 or monotonic() > end:
            break
        sleep(0.1)
    assert reply.status_code == 200, reply.text
    assert reply.json()["data"]["total_cost"] == 0.08


def test_large_answers_come_whole(studio: Studio) -> None:
    picture = "A" * 6_000_000
    body = msgspec.json.encode({"created": 1, "data": [{"b64_json": picture}]})
    studio.first.behave = lambda seen: (200, {}, [body])
    assert studio.draw(response_format="b64_json").json()["data"][0]["b64_json"] == picture
