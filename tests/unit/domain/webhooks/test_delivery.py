import asyncio
import base64
import hmac
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gatewayz.config.sections.webhooks import Webhooks as Rules
from gatewayz.domain.identity.keys import KeyVault
from gatewayz.domain.webhooks.delivery import Deliverer, pause_s
from gatewayz.domain.webhooks.signing import reveal, signed_headers
from gatewayz.sdk.errors import InvalidRequest, StoreUnavailable
from gatewayz.sdk.secret import Secret
from gatewayz.sdk.wire import Headers
from gatewayz.store.webhook_records import TRY_FOR_MS, Attempt, ClaimedDelivery, Delivery, Endpoint, milliseconds
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
NOW_MS = milliseconds(NOW)
DOCS = Path(__file__).parents[4] / "docs/webhooks.md"
VAULT = KeyVault(Secret("s" * 32), {}, 1)
ENDPOINT = Endpoint(
    id=1,
    user_id=7,
    url="https://hooks.example/a",
    events=("*",),
    nonce=b"n" * 16,
    is_active=True,
    disabled_reason=None,
    failing_since_ms=None,
    old_nonce=None,
    old_until_ms=None,
    created_at=NOW,
    updated_at=NOW,
)
DELIVERY = Delivery(
    id=3,
    event_id="msg_1",
    endpoint_id=1,
    type="credits.low",
    body='{"a":1}',
    state="waiting",
    attempts=0,
    created_ms=NOW_MS,
    next_ms=NOW_MS,
    expires_ms=NOW_MS + TRY_FOR_MS,
    tried_ms=None,
    response_status=None,
    duration_ms=None,
    error=None,
)


class Answer(msgspec.Struct):
    status: int


class Store:
    def __init__(self, *due: ClaimedDelivery) -> None:
        self.due, self.attempts = list(due), list[Attempt]()
        self.is_away = False
        self.is_told = asyncio.Event()

    async def claim(
        self, now_ms: int, *, limit: int, lease_ms: int, busy: list[int], busy_users: list[int]
    ) -> list[ClaimedDelivery]:
        free = [each for each in self.due if each.endpoint.id not in busy and each.endpoint.user_id not in busy_users]
        free = free[:limit]
        self.due = [each for each in self.due if each not in free]
        return free

    async def finish(self, attempt: Attempt) -> None:
        if self.is_away:
            raise StoreUnavailable("away")
        self.attempts.append(attempt)
        self.is_told.set()


async def attempt(answer: int | Exception, delivery: dict[str, Any], endpoint: dict[str, Any]) -> Attempt:
    async def post(url: str, *, headers: Headers, body: bytes) -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer)

    claimed = ClaimedDelivery(
        delivery=msgspec.structs.replace(DELIVERY, **delivery), endpoint=msgspec.structs.replace(ENDPOINT, **endpoint)
    )
    store = Store(claimed)
    deliverer = Deliverer(store, VAULT, FakeClock(now=NOW), post, rules=Rules(), draw=lambda: 0.5)  # type: ignore[arg-type]
    await deliverer.rounds()
    await deliverer.settle()
    [made] = store.attempts
    return made


@pytest.mark.parametrize("status", [200, 204, 299])
async def test_what_is_taken_is_delivered(status: int) -> None:
    made = await attempt(status, {}, {})
    assert (made.state, made.response_status, made.error, made.disable) == ("delivered", status, None, None)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (500, "answered 500"),
        (404, "answered 404"),
        (100, "answered 100"),
        (InvalidRequest("not reached"), "not reached"),
    ],
)
async def test_what_is_not_taken_is_tried_again(answer: int | Exception, error: str) -> None:
    made = await attempt(answer, {"attempts": 2}, {})
    assert (made.state, made.error, made.disable, made.next_ms) == ("waiting", error, None, NOW_MS + 80_000)


async def test_after_a_day_it_has_failed() -> None:
    made = await attempt(500, {"attempts": 9, "expires_ms": NOW_MS + 1000}, {})
    assert (made.state, made.disable) == ("failed", None)


async def test_who_is_gone_or_fails_for_days_is_switched_off() -> None:
    gone = await attempt(410, {}, {})
    assert (gone.state, gone.disable) == ("failed", "gone")
    five_days_ms = 5 * 86_400_000
    assert (await attempt(500, {}, {"failing_since_ms": NOW_MS - five_days_ms})).disable == "failing"
    assert (await attempt(500, {}, {"failing_since_ms": NOW_MS - five_days_ms + 1})).disable is None
    assert (await attempt(200, {}, {"failing_since_ms": NOW_MS - five_days_ms})).disable is None


def test_pauses_grow_to_six_hours() -> None:
    assert [pause_s(attempts, 5, 0.5) for attempts in range(8)] == [5, 20, 80, 320, 1280, 5120, 20480, 21600]
    assert (pause_s(1, 5, 0), pause_s(1, 5, 1)) == (16, pytest.approx(24))
    assert pause_s(10_000, 5, 0.5) == 21600


async def test_one_slow_endpoint_has_four_at_once_and_the_others_go_on() -> None:
    slow = [
        ClaimedDelivery(delivery=msgspec.structs.replace(DELIVERY, id=number), endpoint=ENDPOINT) for number in range(9)
    ]
    other = ClaimedDelivery(
        delivery=msgspec.structs.replace(DELIVERY, id=99, endpoint_id=2),
        endpoint=msgspec.structs.replace(ENDPOINT, id=2, url="https://other.example"),
    )
    store, open_ = Store(*slow, other), asyncio.Event()
    reached: list[str] = []

    async def post(url: str, *, headers: Headers, body: bytes) -> Answer:
        reached.append(url)
        if url == ENDPOINT.url:
            await open_.wait()
        return Answer(200)

    deliverer = Deliverer(store, VAULT, FakeClock(now=NOW), post, rules=Rules())  # type: ignore[arg-type]
    await deliverer.rounds()
    await store.is_told.wait()
    assert reached.count(ENDPOINT.url) == 4 and [each.endpoint_id for each in store.attempts] == [2]
    open_.set()
    await deliverer.settle()
    await deliverer.rounds()
    await deliverer.settle()
    await deliverer.rounds()
    await deliverer.settle()
    assert len(store.attempts) == 10
    await deliverer.aclose()


def due(number: int, endpoint_id: int, user_id: int) -> ClaimedDelivery:
    endpoint = msgspec.structs.replace(ENDPOINT, id=endpoint_id, user_id=user_id)
    delivery = msgspec.structs.replace(DELIVERY, id=number, endpoint_id=endpoint_id)
    return ClaimedDelivery(delivery=delivery, endpoint=endpoint)


async def begun(*rounds: list[ClaimedDelivery]) -> list[Endpoint]:
    """Return where deliveries are under way after rounds in which these become due, and nobody answers."""
    store = Store()

    async def post(url: str, *, headers: Headers, body: bytes) -> Answer:
        await asyncio.Event().wait()
        raise AssertionError

    deliverer = Deliverer(store, VAULT, FakeClock(now=NOW), post, rules=Rules())  # type: ignore[arg-type]
    for some in rounds:
        store.due += some
        await deliverer.rounds()
    under_way = list(deliverer._running.values())
    for task in tuple(deliverer._running):
        task.cancel()
    await deliverer.aclose()
    return under_way


async def test_an_endpoint_that_has_some_under_way_gets_only_the_rest_of_its_four() -> None:
    under_way = await begun([due(n, 1, 7) for n in range(3)], [due(n, 1, 7) for n in range(3, 9)])
    assert len(under_way) == 4


async def test_two_users_with_many_endpoints_do_not_fill_a_process() -> None:
    hanging = [due(n, endpoint_id, 7 + endpoint_id % 2) for endpoint_id in range(20) for n in range(9)]
    under_way = Counter(each.user_id for each in await begun(hanging, [due(500, 99, 1)]))
    assert under_way == {7: 12, 8: 12, 1: 1}


async def test_an_error_nobody_foresaw_is_noted_as_a_try(caplog: pytest.LogCaptureFixture) -> None:
    made = await attempt(RuntimeError("unforeseen"), {}, {})
    assert (made.state, made.error, made.next_ms) == (
        "waiting",
        "the delivery failed within the gateway",
        NOW_MS + 5000,
    )
    assert "delivery 3 failed" in caplog.text and "unforeseen" in caplog.text
    assert (await attempt(RuntimeError(), {"expires_ms": NOW_MS}, {})).state == "failed"


async def test_what_cannot_be_noted_is_left_to_the_lease(caplog: pytest.LogCaptureFixture) -> None:
    async def post(url: str, *, headers: Headers, body: bytes) -> Answer:
        return Answer(200)

    store = Store(ClaimedDelivery(delivery=DELIVERY, endpoint=ENDPOINT))
    store.is_away = True
    deliverer = Deliverer(store, VAULT, FakeClock(now=NOW), post, rules=Rules())  # type: ignore[arg-type]
    await deliverer.rounds()
    await deliverer.settle()
    assert "what came of delivery 3 was not written" in caplog.text


def test_a_signature_is_that_of_standard_webhooks() -> None:
    headers = dict(signed_headers(VAULT, ENDPOINT, "msg_1", b"{}", NOW_MS))
    secret = reveal(VAULT, ENDPOINT.nonce).reveal()
    key = base64.b64decode(secret.removeprefix("whsec_"))
    assert len(key) == 32 and headers[b"webhook-timestamp"] == str(NOW_MS // 1000).encode()
    signed = hmac.digest(key, b"msg_1." + headers[b"webhook-timestamp"] + b".{}", "sha256")
    assert headers[b"webhook-signature"] == b"v1," + base64.b64encode(signed)


def documented_verify(stamp: float) -> Callable[[str, dict[str, str], bytes], bool]:
    """Return the function that the documentation tells receivers to use."""
    found = re.search(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found.group(1), names)  # the text of our own page
    names["time"] = type("time", (), {"time": staticmethod(lambda: stamp)})
    verify: Callable[[str, dict[str, str], bytes], bool] = names["verify"]
    return verify


def test_receivers_verify_as_the_documentation_says_while_both_secrets_are_in_force() -> None:
    rotated = msgspec.structs.replace(ENDPOINT, nonce=b"o" * 16, old_nonce=ENDPOINT.nonce, old_until_ms=NOW_MS + 1)
    new, old = (reveal(VAULT, nonce).reveal() for nonce in (b"o" * 16, ENDPOINT.nonce))
    verify = documented_verify(NOW.timestamp())

    def headers(at_ms: int) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in signed_headers(VAULT, rotated, "msg_1", b"{}", at_ms)}

    assert verify(new, headers(NOW_MS), b"{}") and verify(old, headers(NOW_MS), b"{}")
    assert not verify(new, headers(NOW_MS), b"{ }")
    assert not verify(old, headers(NOW_MS + 1), b"{}")
    assert not documented_verify(NOW.timestamp() + 301)(new, headers(NOW_MS), b"{}")
