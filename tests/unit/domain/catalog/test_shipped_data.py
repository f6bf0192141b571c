"""The data in config/ keeps its promises."""

import re
from datetime import date
from statistics import median

import pytest

from gatewayz.domain.catalog.build import Skipped, build_catalog
from gatewayz.domain.catalog.catalog import Catalog
from gatewayz.domain.catalog.known import SNAPSHOT_NAME
from tests.fakes.catalog import CONFIG, configured, shipped_section, shipped_settings, shipped_snapshot

FREE_WITHOUT_A_KEY = (
    "google/gemini-2.0-flash-exp:free", "google/gemma-2-9b-it:free", "meta-llama/llama-3.2-3b-instruct:free",
    "meta-llama/llama-3.1-8b-instruct:free", "mistralai/mistral-7b-instruct:free", "huggingfaceh4/zephyr-7b-beta:free",
    "openchat/openchat-7b:free", "nousresearch/nous-hermes-llama2-13b:free", "arcee-ai/trinity-mini:free",
)  # fmt: skip
FREE = {"local/smollm2-135m-instruct"}

SAME_NAME = {
    "openai": """gpt-4 gpt-4-turbo gpt-4-turbo-preview gpt-4o gpt-4o-mini gpt-4o-mini-2024-07-18 gpt-4o-2024-05-13
        gpt-4o-2024-08-06 gpt-4o-2024-11-20 gpt-4-0125-preview gpt-4-1106-preview gpt-4-vision-preview gpt-3.5-turbo
        gpt-3.5-turbo-16k gpt-3.5-turbo-0125 gpt-3.5-turbo-1106 o1 o1-pro o3 o3-mini o3-mini-high o3-pro
        o3-deep-research o4-mini o4-mini-high o4-mini-deep-research""",
    "anthropic": """claude-3-opus claude-3-sonnet claude-3-haiku claude-3.5-sonnet claude-3.5-haiku claude-3.7-sonnet
        claude-opus-4 claude-opus-4.1 claude-opus-4.5 claude-sonnet-4 claude-sonnet-4.5 claude-haiku-4.5""",
    "x-ai": "grok-3 grok-3-beta grok-3-mini grok-3-mini-beta grok-4 grok-4-fast grok-4.1-fast grok-code-fast-1",
    "meta-llama": "llama-4-scout llama-4-maverick",
    "deepseek": "deepseek-r1 deepseek-v3.2",
}
OTHER_NAME = {
    "openai/gpt-5.1": """gpt-5.1 gpt5.1 gpt-5-1 gpt5-1 gpt-5_1 gpt5_1 openai/gpt-5.1 openai/gpt5.1 openai/gpt-5-1
        openai/gpt5-1 openai/gpt-5_1 openai/gpt5_1""",
    "anthropic/claude-opus-4": "opus-4 claude-opus-4-20250514",
    "anthropic/claude-opus-4.1": "opus-4.1",
    "anthropic/claude-opus-4.5": """opus-4.5 claude-opus-4.5-20250514 claude-4-5-opus-20250514
        claude-4.5-opus-20250514 claude-opus-4-5 claude-opus-4-5-20251101""",
    "anthropic/claude-sonnet-4": "sonnet-4 claude-sonnet-4-20250514",
    "anthropic/claude-sonnet-4.5": """sonnet-4.5 claude-sonnet-4.5-20250514 claude-4-5-sonnet-20250514
        claude-4.5-sonnet-20250514 claude-sonnet-4-5 claude-sonnet-4-5-20250929""",
    "anthropic/claude-haiku-4.5": "haiku-4.5 claude-haiku-4-5 claude-haiku-4-5-20251001",
    "anthropic/claude-3.5-sonnet": "claude-3-5-sonnet-20241022",
    "anthropic/claude-3.5-haiku": "claude-3-5-haiku-20241022",
    "anthropic/claude-3-haiku": "claude-3-haiku-20240307",
    "deepseek/deepseek-r1": "r1",
    "google/gemini-3-flash-preview": "gemini-3 gemini-3-flash",
    "google/gemini-3-pro-preview": "gemini-3-pro",
    "x-ai/grok-3": "grok-beta grok-vision-beta xai/grok-beta xai/grok-vision-beta",
    "bfl/flux-1-1-pro": "bfl/flux-1.1-pro bfl/flux1.1-pro bfl/flux1-1-pro",
    "z-ai/glm-4.7": "z-ai/glm-4.7 z-ai/glm-4-7 z-ai/glm4.7",
    "z-ai/glm-4.5": "z-ai/glm-4.5",
    "z-ai/glm-4.6": "z-ai/glm-4.6",
}
LISTED_PRICES = {
    ("openai/gpt-4o", "openai"): (2.50, 10),
    ("openai/gpt-4o-mini", "openai"): (0.15, 0.60),
    ("openai/gpt-4-turbo", "openai"): (10, 30),
    ("openai/gpt-4", "openai"): (30, 60),
    ("openai/gpt-3.5-turbo", "openai"): (0.50, 1.50),
    ("openai/o1", "openai"): (15, 60),
    ("openai/o1-mini", "openai"): (3, 12),
    ("openai/o3-mini", "openai"): (1.10, 4.40),
    ("anthropic/claude-opus-4", "anthropic"): (15, 75),
    ("anthropic/claude-opus-4.1", "anthropic"): (15, 75),
    ("anthropic/claude-3-opus", "anthropic"): (15, 75),
    ("anthropic/claude-opus-4.5", "anthropic"): (5, 25),
    ("anthropic/claude-sonnet-4", "anthropic"): (3, 15),
    ("anthropic/claude-sonnet-4.5", "anthropic"): (3, 15),
    ("anthropic/claude-3.7-sonnet", "anthropic"): (3, 15),
    ("anthropic/claude-3.5-sonnet", "anthropic"): (3, 15),
    ("anthropic/claude-3-sonnet", "anthropic"): (3, 15),
    ("anthropic/claude-haiku-4.5", "anthropic"): (1, 5),
    ("anthropic/claude-3.5-haiku", "anthropic"): (0.80, 4),
    ("anthropic/claude-3-haiku", "anthropic"): (0.25, 1.25),
    ("google/gemini-3-pro-preview", "google-vertex"): (2, 12),
    ("google/gemini-3-flash-preview", "google-vertex"): (0.50, 3),
    ("google/gemini-2.5-pro", "google-vertex"): (1.25, 10),
    ("google/gemini-2.5-flash", "google-vertex"): (0.30, 2.50),
    ("google/gemini-2.5-flash-lite", "google-vertex"): (0.10, 0.40),
    ("google/gemini-2.0-flash", "google-vertex"): (0.10, 0.40),
    ("google/gemini-1.5-pro", "google-vertex"): (1.25, 5),
    ("meta-llama/llama-3.3-70b-instruct", "groq"): (0.59, 0.79),
    ("meta-llama/llama-3.1-8b-instruct", "groq"): (0.05, 0.08),
    ("meta-llama/llama-3.3-70b-instruct", "fireworks"): (0.90, 0.90),
    ("deepseek/deepseek-r1", "together"): (3, 7),
}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    settings, snapshot = shipped_settings(), shipped_snapshot()
    names = {name for entry in settings.models.values() for name in entry.offers} | snapshot.providers
    skipped: list[Skipped] = []
    built = build_catalog(settings, configured(*names), known=snapshot.known(names), skipped=skipped)
    assert skipped == []
    return built


def test_there_are_thousands_of_offers_and_the_file_stays_small(catalog: Catalog) -> None:
    assert len(catalog.models()) >= 1_300
    assert sum(len(model.offers) for model in catalog.models()) >= 3_000
    assert len(catalog.providers()) >= 33
    assert (CONFIG / SNAPSHOT_NAME).stat().st_size < 200_000


def test_no_price_is_far_from_what_the_model_costs_elsewhere(catalog: Catalog) -> None:
    snapshot = shipped_snapshot()
    prices: dict[str, dict[str, int]] = {}
    for provider, offers in snapshot.offers_of(snapshot.providers).items():
        for offer in offers:
            prices.setdefault(offer.model, {})[provider] = 3 * offer.price.input + offer.price.output
    for model, by_provider in prices.items():
        paid = sorted(rate for rate in by_provider.values() if rate)
        if len(paid) > 2:
            assert paid[-1] <= 20 * median(paid) <= 400 * paid[0], (model, by_provider)


def test_every_price_is_positive_or_said_to_be_free_and_has_source_and_date(catalog: Catalog) -> None:
    for model in catalog.models():
        for offer in model.offers:
            price = offer.price
            assert price is not None
            assert price.source not in ("", "operator"), offer
            assert date.fromisoformat(price.date) <= date(2100, 1, 1)
            assert price.is_free == (model.id.endswith(":free") or model.id in FREE), offer
            if not price.is_free and model.modality.endswith("->text"):
                assert price.input > 0 or price.second, offer
                assert price.output > 0 or price.second, offer


@pytest.mark.parametrize(("offer", "price"), LISTED_PRICES.items(), ids=str)
def test_the_listed_prices_hold(catalog: Catalog, offer: tuple[str, str], price: tuple[float, float]) -> None:
    found = catalog.resolve(*offer).price
    assert found is not None
    assert (found.input / 1e9, found.output / 1e9) == price


def test_every_alias_of_the_specification_leads_where_it_should(catalog: Catalog) -> None:
    expected = {name: f"{maker}/{name}" for maker, names in SAME_NAME.items() for name in names.split()}
    expected |= {name: model_id for model_id, names in OTHER_NAME.items() for name in names.split()}
    assert len(expected) > 90
    for name, model_id in expected.items():
        assert catalog.resolve(name).id == model_id, name
        assert catalog.resolve(name.upper()).id == model_id, name


def test_no_alias_leads_to_nothing_or_hides_a_model(catalog: Catalog) -> None:
    aliases = shipped_settings().aliases
    assert len(aliases) >= 120
    for alias, target in aliases.items():
        assert catalog.find(target) is not None, alias
        assert catalog.find(alias) is None, alias


def test_free_models_for_callers_without_a_key_are_there(catalog: Catalog) -> None:
    for model_id in FREE_WITHOUT_A_KEY:
        assert [offer.provider for offer in catalog.resolve(model_id).offers] == ["openrouter"]


def test_every_provider_named_is_described() -> None:
    described = set(shipped_section("providers"))
    settings = shipped_settings()
    offered = {name for entry in settings.models.values() for name in entry.offers}
    told = (CONFIG.parent / "docs" / "models.md").read_text()
    waiting = shipped_snapshot().providers - described
    assert [name for name in sorted(waiting) if not re.search(rf"\b{name}\b", told)] == []
    offered |= shipped_snapshot().providers - waiting
    failover, detection = settings.failover, settings.detection
    listed = {*failover.chain, *failover.others, *detection.default, *detection.slugs.values()}
    listed |= {name for names in (*failover.pinned.values(), *failover.pinned_suffixes.values()) for name in names}
    listed |= {name for rule in detection.rules for name in rule.providers}
    assert offered - described == set()
    assert listed - described == set()
    assert offered - {*failover.chain, *failover.others} == set()


def test_ids_are_lower_case_and_without_blanks(catalog: Catalog) -> None:
    for model in catalog.models():
        assert re.fullmatch(r"[a-z0-9.-]+/[a-z0-9._:-]+", model.id), model.id


def test_few_models_that_answer_in_text_have_no_known_length_of_context() -> None:
    """docs/models.md says how many and what becomes of them."""
    models = shipped_snapshot().models
    unknown = [name for name, model in models.items() if model.context_length is None]
    assert len([name for name in unknown if models[name].modality.endswith("->text")]) <= 50
    assert models["01-ai/yi-large"].context_length == 32_000
