import msgspec
import pytest

from gatewayz.config.sections.providers import Detection, Failover
from gatewayz.domain.catalog.order import OfferOrder
from tests.fakes.catalog import shipped_settings

EVERYWHERE = ("together", "groq", "openrouter", "openai", "anthropic", "google-vertex", "fireworks", "xai", "alibaba")


@pytest.fixture(scope="module")
def shipped() -> OfferOrder:
    settings = shipped_settings()
    return OfferOrder(settings.failover, settings.detection)


@pytest.mark.parametrize(
    ("model", "declared", "expected"),
    [
        ("openai/gpt-4o", EVERYWHERE, ("openai", "openrouter")),
        ("openai/gpt-4o", ("openrouter", "together"), ("openrouter",)),
        ("openai/gpt-oss-120b", ("groq", "openrouter", "together"), ("openrouter", "groq", "together")),
        ("Anthropic/Claude-Opus-4.5", EVERYWHERE, ("anthropic", "openrouter")),
        ("google/gemma-2-9b-it:free", EVERYWHERE, ("openrouter",)),
        ("qwen/qwen3-coder:exacto", ("alibaba", "openrouter"), ("openrouter",)),
        ("openai/gpt-4o:extended", ("openai", "openrouter"), ("openrouter",)),
        ("google/gemini-2.5-pro", ("openrouter", "google-vertex"), ("google-vertex", "openrouter")),
        ("google/gemini-2.5-pro", ("together", "openrouter"), ("openrouter", "together")),
        ("deepseek/deepseek-r1", ("fireworks", "together", "openrouter"), ("openrouter", "fireworks", "together")),
        ("deepseek/deepseek-r1", ("together", "fireworks"), ("fireworks", "together")),
        ("qwen/qwen-plus", ("openrouter", "alibaba"), ("alibaba", "openrouter")),
        ("qwen/qwen3-32b", ("groq", "openrouter", "cerebras"), ("cerebras", "groq", "openrouter")),
        ("x-ai/grok-4", ("openrouter", "xai"), ("xai", "openrouter")),
        ("z-ai/glm-4.6", ("openrouter", "zai", "together"), ("zai", "openrouter", "together")),
        ("z-ai/glm-5", ("zai", "openrouter"), ("openrouter", "zai")),
        ("meta-llama/x", ("together", "groq", "openrouter"), ("openrouter", "groq", "together")),
        ("meta-llama/x", ("together", "groq"), ("together", "groq")),
        ("bfl/flux-1-1-pro", ("fal",), ("fal",)),
        ("local/smollm2-135m-instruct", ("local",), ("local",)),
        ("meta-llama/x", (), ()),
    ],
)
def test_the_shipped_rules_order_offers(
    shipped: OfferOrder, model: str, declared: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert shipped.providers(model, declared) == expected


def test_the_general_chain_has_its_order(shipped: OfferOrder) -> None:
    chain = shipped_settings().failover.chain
    assert chain == (
        "onerouter", "openai", "anthropic", "google-vertex", "openrouter", "cerebras", "huggingface", "featherless",
        "vercel-ai-gateway", "aihubmix", "anannas", "alibaba", "fireworks", "together",
    )  # fmt: skip
    others = tuple(name for name in chain if name != "openrouter")
    assert shipped.providers("some/model", tuple(reversed(chain))) == ("openrouter", *others)


def test_own_instances_come_first_in_declared_order_even_where_a_pin_holds(shipped: OfferOrder) -> None:
    declared = ("openrouter", "my-azure", "openai", "lab-gpu")
    assert shipped.providers("openai/gpt-4o", declared) == ("my-azure", "lab-gpu", "openai", "openrouter")
    assert shipped.providers("a/b", ("together", "lab-gpu")) == ("lab-gpu", "together")


def test_slugs_are_understood_in_every_list() -> None:
    failover = msgspec.convert({"chain": ["alibaba-cloud", "b"], "pinned": {"p/": ["Alibaba-Cloud"]}}, Failover)
    detection = msgspec.convert({"slugs": {"alibaba-cloud": "alibaba"}}, Detection)
    order = OfferOrder(failover, detection)
    assert order.providers("x/y", ("b", "alibaba")) == ("b", "alibaba")
    assert order.providers("p/y", ("b", "alibaba")) == ("alibaba",)


def test_the_longest_prefix_counts() -> None:
    failover = msgspec.convert({"chain": ["a", "b"], "pinned": {"v/": ["a"], "v/open-": [], "v/x": ["b"]}}, Failover)
    order = OfferOrder(failover, Detection())
    assert order.providers("v/m", ("a", "b")) == ("a",)
    assert order.providers("v/open-m", ("b", "a")) == ("b", "a")
    assert order.providers("v/xm", ("a", "b")) == ("b",)


def test_every_given_part_of_a_rule_must_fit() -> None:
    rules = {"rules": [{"prefix": "a/", "suffix": ":s", "providers": ["x"]}, {"id": "A/B", "providers": ["y"]}]}
    order = OfferOrder(msgspec.convert({"chain": ["w", "x", "y"]}, Failover), msgspec.convert(rules, Detection))
    assert order.providers("a/m:s", ("w", "x", "y"))[0] == "x"
    assert order.providers("a/b", ("w", "x", "y"))[0] == "y"
    assert order.providers("a/m", ("w", "x", "y"))[0] == "w"
