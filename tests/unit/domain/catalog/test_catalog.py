from time import perf_counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gatewayz.domain.catalog.build import build_catalog
from gatewayz.domain.catalog.catalog import MAX_NAME_LENGTH, Catalog, Model
from gatewayz.sdk.errors import InvalidRequest, ModelNotFound, PricingMissing
from gatewayz.sdk.offers import Price
from tests.fakes.catalog import configured, settings_of

SETTINGS = settings_of(
    {
        "openai/gpt-4o": {"openai": "gpt-4o", "openrouter": "openai/gpt-4o"},
        "openai/gpt-5.1": {"openai": "gpt-5.1"},
        "anthropic/claude-sonnet-4": {"anthropic": "claude-sonnet-4-20250514"},
        "anthropic/claude-sonnet-4.5": {"anthropic": "claude-sonnet-4-5"},
        "meta-llama/llama-3.3-70b-instruct": {
            "openrouter": "meta-llama/llama-3.3-70b-instruct",
            "groq": "llama-3.3-70b-versatile",
            "fireworks": "accounts/fireworks/models/llama-v3p3-70b-instruct",
            "huggingface": "meta-llama/Llama-3.3-70B-Instruct",
        },
        "deepseek/deepseek-r1": {"fireworks": "accounts/fireworks/models/deepseek-r1-0528"},
        "deepseek/deepseek-r1-0528": {"fireworks": "accounts/fireworks/models/deepseek-r1-0528"},
        "one/twin": {"openrouter": "one/twin"},
        "two/twin": {"openrouter": "two/twin"},
        "a/only-elsewhere": {"elsewhere": "x"},
    },
    aliases={
        "sonnet": "claude-latest",
        "Claude-Latest": "anthropic/claude-sonnet-4.5",
        "one-hop-too-many": "sonnet-again",
        "sonnet-again": "sonnet",
        "circle": "circle",
        "gpt-4o-nowhere": "openai/nowhere",
        "openai/gpt-5.1": "openai/nowhere",
    },
    failover={
        "chain": ["openai", "anthropic", "openrouter", "huggingface", "fireworks"],
        "others": ["groq"],
        "pinned": {"openai/": ["openai", "openrouter"], "openrouter/": ["openrouter"]},
    },
    detection={"slugs": {"hug": "huggingface", "x-ai": "xai"}, "default": ["openrouter"]},
)
CATALOG = build_catalog(SETTINGS, configured("openai", "openrouter", "anthropic", "groq", "fireworks", "huggingface"))


def providers(model: Model) -> list[str]:
    return [offer.provider for offer in model.offers]


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        ("openai/gpt-4o", "openai/gpt-4o"),
        ("  OpenAI/GPT-4o \n", "openai/gpt-4o"),
        ("gpt-4o", "openai/gpt-4o"),
        ("GPT-4O", "openai/gpt-4o"),
        ("gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("gpt-4o@20240806", "openai/gpt-4o"),
        ("gpt-4o-latest", "openai/gpt-4o"),
        ("gpt-5-1", "openai/gpt-5.1"),
        ("gpt-5_1", "openai/gpt-5.1"),
        ("openai/gpt-5.1", "openai/gpt-5.1"),
        ("sonnet", "anthropic/claude-sonnet-4.5"),
        ("SONNET", "anthropic/claude-sonnet-4.5"),
        ("claude-sonnet-4-20250514", "anthropic/claude-sonnet-4"),
        ("claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4.5"),
        ("claude-sonnet-4-5", "anthropic/claude-sonnet-4.5"),
        ("accounts/fireworks/models/deepseek-r1-0528", "deepseek/deepseek-r1-0528"),
        ("fireworks/deepseek/deepseek-r1", "deepseek/deepseek-r1"),
    ],
)
def test_a_model_is_found_by_any_of_its_names(requested: str, expected: str) -> None:
    assert CATALOG.resolve(requested).id == expected


@pytest.mark.parametrize(
    ("requested", "expected"),
    [
        ("meta-llama/llama-3.3-70b-instruct", ["openrouter", "groq", "huggingface", "fireworks"]),
        ("groq/llama-3.3-70b-versatile", ["groq", "openrouter", "huggingface", "fireworks"]),
        ("llama-3.3-70b-versatile", ["groq", "openrouter", "huggingface", "fireworks"]),
        ("accounts/fireworks/models/llama-v3p3-70b-instruct", ["fireworks", "openrouter", "groq", "huggingface"]),
        ("hug/meta-llama/llama-3.3-70b-instruct", ["huggingface", "openrouter", "groq", "fireworks"]),
        ("openrouter/meta-llama/llama-3.3-70b-instruct", ["openrouter"]),
        ("OpenRouter/openai/gpt-4o", ["openrouter"]),
        ("openai/gpt-4o", ["openai", "openrouter"]),
    ],
)
def test_a_providers_own_name_puts_it_first(requested: str, expected: list[str]) -> None:
    assert providers(CATALOG.resolve(requested)) == expected


def test_the_provider_field_restricts() -> None:
    name = "meta-llama/llama-3.3-70b-instruct"
    assert providers(CATALOG.resolve(name, "groq")) == ["groq"]
    assert providers(CATALOG.resolve(name, " Hug ")) == ["huggingface"]


@pytest.mark.parametrize("provider", ["anthropic", "x-ai", "nobody", "", "x" * 9999])
def test_a_provider_that_does_not_serve_the_model_is_named(provider: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOG.resolve("gpt-4o", provider)
    assert caught.value.code == "PROVIDER_MISMATCH"
    assert caught.value.param == "provider"
    assert caught.value.context["allowed_values"] == ["openai", "openrouter"]
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("requested", ["twin", "gpt-4o-nowhere", "circle", "one-hop-too-many", "groq/gpt-4o", "a/b/c"])
def test_what_nothing_answers_to_is_not_found(requested: str) -> None:
    with pytest.raises(ModelNotFound):
        CATALOG.resolve(requested)


def test_a_missing_model_is_answered_with_close_ones() -> None:
    with pytest.raises(ModelNotFound) as caught:
        CATALOG.resolve("gpt-4oo")
    error = caught.value
    assert (error.status, error.code, error.param) == (404, "MODEL_NOT_FOUND", "model")
    assert error.context["requested_model"] == "gpt-4oo"
    assert error.context["suggested_models"][0] == "openai/gpt-4o"
    assert "did you mean 'openai/gpt-4o'?" in error.suggestions


def test_a_known_model_without_a_provider_says_so() -> None:
    with pytest.raises(ModelNotFound, match="no configured provider"):
        CATALOG.resolve("a/only-elsewhere")


@pytest.mark.parametrize("requested", ["", "   ", "a\x00b", "a\nb", "x" * (MAX_NAME_LENGTH + 1)])
def test_what_is_no_name_is_refused(requested: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        CATALOG.resolve(requested)
    assert caught.value.code == "INVALID_MODEL_FORMAT"


def test_a_model_without_any_price_is_not_called() -> None:
    settings = settings_of({"openai/gpt-4o": {"openai": "gpt-4o"}}, aliases={"four": "openai/gpt-4o"})
    catalog = Catalog((), aliases=settings.aliases, unpriced=["openai/gpt-4o"])
    for name in ("openai/gpt-4o", "gpt-4o", "FOUR", "gpt-4o-2024-08-06"):
        with pytest.raises(PricingMissing) as caught:
            catalog.resolve(name)
        assert (caught.value.status, caught.value.code) == (422, "model_pricing_missing")


def test_models_are_listed_by_id() -> None:
    ids = [model.id for model in CATALOG.models()]
    assert ids == sorted(ids)
    assert "a/only-elsewhere" not in ids
    assert CATALOG.find("openai/gpt-4o") is CATALOG.resolve("gpt-4o")
    assert CATALOG.find("gpt-4o") is None
    assert CATALOG.providers() == ("anthropic", "fireworks", "groq", "huggingface", "openai", "openrouter")


def test_the_shown_price_is_that_of_the_first_offer() -> None:
    model = CATALOG.resolve("gpt-4o")
    assert model.price is model.offers[0].price


@given(
    st.text(max_size=40) | st.sampled_from(sorted(SETTINGS.models)).map(str.upper),
    st.none() | st.text(max_size=12) | st.sampled_from(["groq", "hug", "OPENAI"]),
)
def test_resolving_fails_in_three_ways_only(requested: str, provider: str | None) -> None:
    try:
        model = CATALOG.resolve(requested, provider)
    except (ModelNotFound, PricingMissing, InvalidRequest):
        return
    assert model.offers
    assert all(offer.model == model.id for offer in model.offers)


@given(st.sampled_from(sorted(set(SETTINGS.models) - {"a/only-elsewhere"})), st.data())
def test_case_and_blanks_never_matter(model_id: str, data: st.DataObject) -> None:
    flips = data.draw(st.lists(st.booleans(), min_size=len(model_id), max_size=len(model_id)))
    written = "".join(letter.upper() if flip else letter for letter, flip in zip(model_id, flips, strict=True))
    assert CATALOG.resolve(f" {written}\t").id == model_id


def test_a_usual_name_is_one_look_up() -> None:
    rounds = 20_000
    best = min(_timed(rounds) for _ in range(5))
    assert best / rounds < 3e-6


def _timed(rounds: int) -> float:
    resolve = CATALOG.resolve
    started = perf_counter()
    for _ in range(rounds):
        resolve("gpt-4o")
    return perf_counter() - started


def test_another_price_list_has_the_same_models_by_the_same_names() -> None:
    free = CATALOG.repriced(lambda price: Price(input=0, output=price.output + 1))
    assert [model.id for model in free.models()] == [model.id for model in CATALOG.models()]
    for name in ("openai/gpt-4o", "gpt-4o", "sonnet", "meta-llama/llama-3.3-70b-instruct"):
        found, other = CATALOG.resolve(name), free.resolve(name)
        assert (other.id, providers(other)) == (found.id, providers(found))
        for offer, before in zip(other.offers, found.offers, strict=True):
            assert before.price is not None
            assert offer.price == Price(input=0, output=before.price.output + 1)
        assert other is free.resolve(name)
    model = free.find("openai/gpt-4o")
    assert model is not None and model.price is not None and model.price.input == 0
