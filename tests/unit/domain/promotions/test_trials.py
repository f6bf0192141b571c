import asyncio
from datetime import timedelta

import pytest

from gatewayz.areas.admin.trials.schema import UsersQuery
from gatewayz.areas.admin.trials.service import report
from gatewayz.config.sections.plans import PartnerEntry
from gatewayz.config.sections.plans import Trial as TrialRules
from gatewayz.domain.identity.caller import Caller
from gatewayz.domain.partners.partners import Partner, find_partner
from gatewayz.domain.trials.gate import check_trial
from gatewayz.sdk.errors import InvalidRequest, PaymentRequired, RateLimited, ResourceNotFound
from gatewayz.sdk.money import NANO_PER_USD
from gatewayz.store.moment_id import first_id
from gatewayz.store.records import USAGE_COLUMNS, User
from gatewayz.store.trial_records import TrialFilter
from tests.unit.domain.promotions.conftest import Books

RULES = TrialRules()
PRICED = "openai/gpt-4o-mini"
REDBEARD = PartnerEntry(
    name="Redbeard", days=14, tier="pro", credits="20", tokens=1_000_000, requests=10_000, daily_cap="5"
)
PARTNER = Partner(code="REDBEARD", entry=REDBEARD)


def caller_of(user: User) -> Caller:
    return Caller(user_id=user.id, key_id=1, is_trial=user.trial_ends_at is not None, trial_ends_at=user.trial_ends_at)


async def use(books: Books, user: User, *, tokens: int = 10, charged: int = 0, status: int = 200) -> None:
    values = dict.fromkeys(USAGE_COLUMNS, None) | {
        "id": first_id(books.clock.now()) + use_number(),
        "request_id": "r",
        "user_id": user.id,
        "operation": "chat",
        "requested_model": PRICED,
        "status": status,
        "is_stream": False,
        "images": 0,
        "charged_nano": charged,
        "duration_ms": 1,
    }
    values |= {name: 0 for name in USAGE_COLUMNS if name.endswith("_tokens")} | {"input_tokens": tokens}
    await books.store.usage.append_usage([tuple(values[name] for name in USAGE_COLUMNS)])


_number = iter(range(1, 1_000))


def use_number() -> int:
    return next(_number)


async def check(books: Books, user: User, rules: TrialRules = RULES, model: str = PRICED) -> None:
    await check_trial(caller_of(await books.again(user)), model, books.promotions.trial_gate, rules)


async def test_a_trial_is_started_once_even_at_once(books: Books) -> None:
    user = await books.user()
    trials = books.promotions.trials
    assert sorted(await asyncio.gather(*(trials.start(user.id, RULES) for _ in range(4)))) == [False] * 3 + [True]
    assert (await books.ledger.balances(user.id)).trial == 5 * NANO_PER_USD
    after = await books.again(user)
    assert after.trial_ends_at == books.clock.now() + timedelta(days=3)
    state = await trials.state(after, RULES)
    assert (state.status, state.days_remaining) == ("active", 3)
    with pytest.raises(ResourceNotFound):
        await trials.start(999_999, RULES)


async def test_a_trial_ends_at_its_moment_and_free_models_stay_open(books: Books) -> None:
    user = await books.user()
    await books.promotions.trials.start(user.id, RULES)
    await check(books, user)
    books.clock.advance(3 * 86_400)
    with pytest.raises(PaymentRequired) as refused:
        await check(books, user)
    assert refused.value.code == "TRIAL_EXPIRED" and refused.value.headers["X-Trial-Expired"] == "true"
    await check(books, user, model="vendor/model:free")
    assert (await books.promotions.trials.state(await books.again(user), RULES)).status == "expired"


async def test_requests_and_tokens_of_a_trial_are_bounded(books: Books) -> None:
    user, rules = await books.user(), TrialRules(requests=2, tokens=100)
    await books.promotions.trials.start(user.id, rules)
    await use(books, user)
    await use(books, user, status=500)  # a failure is not counted
    await check(books, user, rules)
    with pytest.raises(RateLimited) as refused:  # the one just admitted counts before it is logged
        await check(books, user, rules)
    assert refused.value.headers["X-Trial-Remaining-Requests"] == "0"
    assert refused.value.headers["X-Trial-Remaining-Tokens"] == "90"
    assert refused.value.headers["X-Trial-Remaining-Credits"] == "5"
    many = TrialRules(tokens=100)
    other = await books.user()
    await books.promotions.trials.start(other.id, many)
    await use(books, other, tokens=100)
    with pytest.raises(RateLimited, match="tokens"):
        await check(books, other, many)


async def test_a_partner_trial_replaces_a_standard_one_once(books: Books) -> None:
    user = await books.user()
    await books.promotions.trials.start(user.id, RULES)
    start = books.promotions.partners.start
    outcomes = await asyncio.gather(*(start(user.id, PARTNER, RULES) for _ in range(3)), return_exceptions=True)
    assert sum(isinstance(outcome, InvalidRequest) for outcome in outcomes) == 2
    assert (await books.ledger.balances(user.id)).trial == 20 * NANO_PER_USD  # 5 and the difference
    assert (await books.again(user)).trial_ends_at == books.clock.now() + timedelta(days=14)
    assert (await books.ledger.audit()).is_clean


async def test_a_partner_trial_has_a_daily_cap(books: Books) -> None:
    user = await books.user()
    await books.promotions.partners.start(user.id, PARTNER, RULES)
    await use(books, user, charged=5 * NANO_PER_USD)
    with pytest.raises(RateLimited) as refused:
        await check(books, user)
    assert refused.value.code == "DAILY_QUOTA_EXCEEDED"
    assert refused.value.retry_after_s is not None and 0 < refused.value.retry_after_s <= 86_400
    books.clock.advance(86_400)
    await check(books, user)


async def test_who_has_paid_gets_no_partner_trial(books: Books) -> None:
    user = await books.user()
    await books.promotions.trials.start(user.id, RULES)
    await use(books, user, tokens=7)
    assert await books.promotions.trials.convert(await books.again(user), RULES)
    assert not await books.promotions.trials.convert(await books.again(user), RULES)
    after = await books.again(user)
    assert after.trial_ends_at is None
    assert (await books.promotions.trials.state(after, RULES)).status == "converted"
    with pytest.raises(InvalidRequest):
        await books.promotions.partners.start(user.id, PARTNER, RULES)
    assert not await books.promotions.trials.start(user.id, RULES)


async def test_reports_are_made_of_rows(books: Books) -> None:
    active, converted, plain = await books.user(), await books.user("a@shop.test"), await books.user()
    for user in (active, converted):
        await books.promotions.trials.start(user.id, RULES, signup_ip="192.0.2.7")
        await use(books, user, tokens=50, charged=1_000)
    await books.promotions.trials.convert(await books.again(converted), RULES)
    await use(books, plain)
    accounts = await books.promotions.trials.list_accounts(TrialFilter())
    made = report(accounts, RULES, books.clock.now())
    analytics = made.analytics()
    assert (analytics["total_trials"], analytics["converted_trials"], analytics["conversion_rate"]) == (2, 1, 0.5)
    assert analytics["usage_statistics"]["total_tokens"] == 100
    assert made.funnel()["converted_to_paid"] == 1 and made.funnel()["avg_tokens_at_conversion"] == 50
    users = made.users(UsersQuery(status="converted"))["users"]
    assert [(user["user_id"], user["tokens_at_conversion"]) for user in users] == [(converted.id, 50)]
    assert made.addresses()[0]["total_users"] == 2
    filtered = await books.promotions.trials.list_accounts(TrialFilter(domain="SHOP.test"))
    assert [account.user_id for account in filtered] == [converted.id]


def test_a_partner_is_found_in_any_spelling() -> None:
    assert find_partner({"REDBEARD": REDBEARD}, " redBeard ").code == "REDBEARD"
    with pytest.raises(ResourceNotFound):
        find_partner({"REDBEARD": REDBEARD}, "BLUEBEARD")
