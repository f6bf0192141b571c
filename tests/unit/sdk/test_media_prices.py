"""Prices of pictures, sound and read-out text."""

import pytest

from gatewayz.sdk.offers import ImageRate, Price, size_percent
from gatewayz.sdk.usage import Usage

CENT = 10_000_000
FLAT = Price(input=0, output=0, image=4 * CENT)
LISTED = Price(
    input=0,
    output=0,
    images=(
        ImageRate(size="1024x1024", quality="standard", price=4 * CENT),
        ImageRate(size="1024x1024", quality="hd", price=8 * CENT),
        ImageRate(size="1792x1024", price=12 * CENT),
    ),
)
BY_TOKEN = Price(input=5 * 10**9, output=40 * 10**9, images=(ImageRate(quality="high", price=17 * CENT),))


def pictures(count: int, size: str = "1024x1024", quality: str = "standard", **more: int) -> Usage:
    return Usage(images=count, image_size=size, image_quality=quality, **more)


@pytest.mark.parametrize(
    ("size", "percent"),
    [
        ("256x256", 50),
        ("512x512", 75),
        ("1024x1024", 100),
        ("1024x1536", 150),
        ("1024x1792", 150),
        ("1792x1024", 150),
        ("2048x2048", 200),
        ("auto", 100),
        ("", 100),
    ],
)
def test_sizes(size: str, percent: int) -> None:
    assert size_percent(size) == percent
    assert FLAT.cost(pictures(2, size)).total == 2 * 4 * CENT * percent // 100


@pytest.mark.parametrize(
    ("size", "quality", "rate"),
    [
        ("1024x1024", "standard", 4),
        ("1024x1024", "hd", 8),
        ("1792x1024", "hd", 12),
        ("1024x1024", "auto", 8),
        ("auto", "standard", 12),
    ],
)
def test_listed_rates_and_the_dearest_where_none_fits(size: str, quality: str, rate: int) -> None:
    assert LISTED.image_rate(pictures(1, size, quality)) == rate * CENT


def test_tokens_replace_the_estimate_by_picture() -> None:
    assert BY_TOKEN.cost(pictures(1, quality="high")).total == 17 * CENT
    assert BY_TOKEN.cost(pictures(1, quality="high", input_tokens=10, output_tokens=1000)).total == 40_050_000


def test_tokens_of_a_prompt_do_not_pay_for_a_picture() -> None:
    cost = BY_TOKEN.cost(pictures(2, quality="high", input_tokens=10))
    assert (cost.input, cost.other) == (50_000, 34 * CENT)


def test_sound_and_text() -> None:
    heard = Price(input=0, output=0, second=100_000)
    assert heard.cost(Usage(audio_ms=61_500)).total == 6_150_000
    assert heard.cost(Usage(audio_ms=3)).total == 300
    spoken = Price(input=0, output=0, character=15 * 10**9)
    assert spoken.cost(Usage(characters=7)).total == 105_000


def test_what_is_covered() -> None:
    assert FLAT.covers(pictures(1)) and not FLAT.covers(Usage(audio_ms=1)) and not FLAT.covers(Usage(characters=1))
    assert not Price(input=1, output=1).covers(pictures(1))
    assert FLAT.is_media_only and not BY_TOKEN.is_media_only
    assert not FLAT.is_free and Price(input=0, output=0).is_free and not Price(input=0, output=0).is_media_only
