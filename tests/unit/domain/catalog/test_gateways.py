"""The words for gateways, and what they mean."""

import pytest

from gatewayz.config.sections.providers import Display, ProviderEntry
from gatewayz.domain.catalog.build import build_catalog
from gatewayz.domain.catalog.gateways import Gateways
from gatewayz.sdk.errors import InvalidRequest
from tests.fakes.catalog import configured, settings_of


def entry(**display: object) -> ProviderEntry:
    return ProviderEntry(use="x", display=Display(**display))  # type: ignore[arg-type]


PROVIDERS = {
    "slow-one": entry(name="Alpha", site="alpha.example/ai/cloud"),
    "fast-z": entry(name="zeta", priority="fast"),
    "fast-b": entry(name="Beta", priority="fast", aliases=("BB",)),
    "hidden": entry(name="Hidden", is_listed=False),
    "plain": ProviderEntry(use="x"),
}


@pytest.fixture
def gateways() -> Gateways:
    settings = settings_of({"maker/m": {"own": "m"}, "fast-b/n": {"own": "n"}}, detection={"slugs": {"mine": "own"}})
    return Gateways(PROVIDERS, build_catalog(settings, configured("own")))


def test_fast_ones_first_then_by_name(gateways: Gateways) -> None:
    assert gateways.listed() == ("fast-b", "fast-z", "slow-one")
    assert gateways.known() == ("fast-b", "fast-z", "slow-one", "own")


@pytest.mark.parametrize(
    ("word", "instance"),
    [("bb", "fast-b"), ("FAST-B", "fast-b"), ("Mine", "own"), ("hidden", "hidden"), ("plain", None), ("maker", None)],
)
def test_words(gateways: Gateways, word: str, instance: str | None) -> None:
    assert gateways.named(word) == instance
    if instance is None:
        with pytest.raises(InvalidRequest) as caught:
            gateways.chosen(word)
        assert caught.value.context["allowed_values"] == ["all", "fast-b", "fast-z", "hidden", "own", "slow-one"]
    else:
        assert gateways.chosen(word) == instance


@pytest.mark.parametrize("word", [None, "", "all", " ALL "])
def test_no_word_is_all_of_them(gateways: Gateways, word: str | None) -> None:
    assert gateways.chosen(word) is None


def test_a_gateway_with_models_is_meant_alone_and_another_word_may_be_a_maker(gateways: Gateways) -> None:
    assert gateways.meant("mine") == ("own", None)
    assert gateways.meant("fast-b") == ("fast-b", "fast-b"), "it serves nothing: the maker of that name is meant too"
    assert gateways.meant("Maker") == (None, "maker")


def test_pages(gateways: Gateways) -> None:
    assert (gateways.site("slow-one"), gateways.logo("slow-one")) == (
        "https://alpha.example/ai/cloud",
        "https://alpha.example/favicon.ico",
    )
    assert (gateways.site("own"), gateways.logo("fast-b"), gateways.display("own").name) == (None, None, "own")
