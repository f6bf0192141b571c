"""What is made of a provider's own list."""

from datetime import UTC, datetime
from typing import Any

import pytest

from gatewayz.domain.catalog.identity import Identifier
from gatewayz.domain.catalog.known import KnownModel
from gatewayz.domain.catalog_sync.judge import Judge, release_day, summary
from gatewayz.sdk.offers import ModelListing, Price
from gatewayz.store.catalog_records import ListedModel

DOLLAR = 10**9
MODELS = {"v/known": KnownModel(median=2 * DOLLAR), "v/embed": KnownModel(modality="text->embedding")}


def price(rate: float) -> Price:
    return Price(input=int(rate * DOLLAR), output=int(rate * DOLLAR), date="2026-11-25")


def judge(*listings: ModelListing, priced: frozenset[str] = frozenset()) -> list[ListedModel]:
    found = Judge(
        "p",
        Identifier({}, {"known": "v"}, MODELS),
        own={"p-known": "v/known"},
        priced=priced,
        models=MODELS,
        aliases={"v/old": "v/known"},
        maker="p",
    )
    return found.judge(listings)


def one(native: str, stated: Price | None, **more: Any) -> tuple[str, str, Price | None]:
    (found,) = judge(ModelListing(id=native, price=stated), **more)
    return found.model, found.state, found.facts.price


def test_names_lead_to_models() -> None:
    assert one("P-Known", None)[0] == "v/known", "an own id of an offer there is"
    assert one("v/old", None)[0] == "v/known", "an alias"
    assert one("tuned", None)[0] == "p/tuned", "a name without a maker is the provider's"


@pytest.mark.parametrize(
    ("native", "rate", "state"),
    [
        ("new", 3, "priced"),
        ("new", 0, "unpriced"),
        ("new:free", 0, "priced"),
        ("new", 200_000, "refused"),
        ("p-known", 39, "priced"),
        ("p-known", 41, "refused"),
        ("p-known", 0.05, "refused"),
        ("v/embed", 6, "refused"),
    ],
)
def test_prices_are_believed_within_bounds(native: str, rate: float, state: str) -> None:
    _, found, kept = one(native, price(rate))
    assert found == state and (kept is not None) == (state == "priced")


def test_a_price_that_is_known_otherwise_stands_in() -> None:
    known = frozenset({"v/known"})
    assert one("p-known", None, priced=known)[1] == "confirmed"
    assert one("p-known", price(4100), priced=known)[1:] == ("confirmed", None)


def test_lines_that_name_nothing_are_passed_over_and_others_counted_once() -> None:
    rows = judge(*(ModelListing(id=name) for name in ("", " ", "x" * 301, "a\x00b", "a", "a ", "b")))
    assert [row.native for row in rows] == ["a", "b"]
    found = summary("p", rows, datetime(2026, 1, 1, tzinfo=UTC), 0.5)
    assert (found.listed, found.unpriced, found.priced) == (2, 2, 0)


def test_numbers_out_of_range_are_unknown() -> None:
    (row,) = judge(ModelListing(id="a", context_length=-5, max_output_tokens=2**60, created=10**9))
    assert (row.facts.context_length, row.facts.max_output_tokens) == (None, None)
    assert release_day(row.facts.created) == "2001-09-09" and release_day(10**15) is None and release_day(None) is None
