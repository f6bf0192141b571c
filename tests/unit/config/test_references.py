from pathlib import Path

import pytest

from gatewayz.config.references import check_references
from tests.fakes.config_files import ConfigFolder

BASE = """\
providers: {groq: {use: echo}, openai: {use: echo}}
routers: {default: {use: failover}}
models:
  a/b: {offers: {groq: {price: {input: 1, output: 1}}}}
access: {circuit_breakers: admin}
"""


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


def found(folder: ConfigFolder, text: str) -> list[str]:
    loaded = folder.load(BASE + text)
    return [f"{each.severity} {each}".replace(f"{folder.root}/", "") for each in check_references(loaded)]


def test_names_that_lead_somewhere(folder: ConfigFolder) -> None:
    text = "failover: {chain: [groq], pinned: {a/: [openai]}}\naliases: {x: A/B, y: X}\n"
    assert found(folder, text) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("failover: {chain: [groq, opnai]}", "failover.chain[1]: there is no provider 'opnai'; did you mean 'openai'?"),
        ("failover: {pinned: {x/: [zzz]}}", "failover.pinned.x/[0]: there is no provider 'zzz'"),
        (
            "detection: {rules: [{prefix: a, providers: [zzz]}]}",
            "detection.rules[0].providers[0]: there is no provider 'zzz'",
        ),
        ("detection: {slugs: {g: zzz}}", "detection.slugs.g: there is no provider 'zzz'"),
        ("aliases: {x: a/c}", "aliases.x: leads to nothing: there is no model 'a/c'; did you mean 'a/b'?"),
        ("default_router: defalt", "default_router: there is no router 'defalt'; did you mean 'default'?"),
    ],
)
def test_names_that_lead_nowhere(folder: ConfigFolder, text: str, problem: str) -> None:
    assert found(folder, text) == [f"error gatewayz.yaml:6: {problem}"]


def test_a_model_without_a_price_is_an_error_and_a_lost_offer_a_warning(folder: ConfigFolder) -> None:
    folder.write(BASE.replace("models:\n", "models:\n  c/d: {offers: {gorq: {}}}\n"))
    problems = [f"{each.severity} {each}".replace(f"{folder.root}/", "") for each in check_references(folder.load())]
    assert problems == [
        "warning gatewayz.yaml:4: models.c/d.offers.gorq: passed over: "
        "there is no provider 'gorq'; did you mean 'groq'?",
        "error gatewayz.yaml:4: models.c/d: has no price, so calls are refused with model_pricing_missing",
    ]


def test_an_extra_that_is_asked_for_must_be_installed(folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(folder, "mcp: {enabled: true}") == []
    monkeypatch.setattr("gatewayz.config.references.is_mcp_installed", lambda: False)
    needed = "the MCP SDK is not installed: pip install 'gatewayz[mcp]'"
    assert found(folder, "mcp: {enabled: true}") == [f"error gatewayz.yaml:6: mcp.enabled: {needed}"]
    assert found(folder, "mcp: {}") == []


def test_openings_are_warned_of(folder: ConfigFolder) -> None:
    folder.write(BASE.replace("circuit_breakers: admin", "circuit_breakers: public, metrics: public"))
    assert [each.path for each in check_references(folder.load())] == [("access", "circuit_breakers")]
    loaded = folder.load(overlay=None, GATEWAYZ_ENVIRONMENT="production")
    assert [each.path for each in check_references(loaded)] == [
        ("access", "circuit_breakers"),
        ("access", "metrics"),
        ("billing",),
    ]
    assert all(each.severity == "warning" for each in check_references(loaded))


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ("price: {input: 1, output: 0}", "price"),
        ("offers: {groq: {price: {input: 0, output: '0.5'}}}", "offers.groq.price"),
        ("price: {input: 0, output: 0, tiers: [{above_tokens: 9, input: 1, output: 0}]}", "price"),
    ],
)
def test_a_free_model_with_a_price_is_refused(folder: ConfigFolder, model: str, path: str) -> None:
    text = BASE.replace(
        "models:\n", f"models:\n  x/y:free: {{{model}, enabled: true}}\n".replace("x/y:free", '"x/y:free"')
    )
    problems = [str(each) for each in check_references(folder.load(text)) if each.severity == "error"]
    assert len(problems) == 1
    assert f"models.x/y:free.{path}: a model whose id ends in ':free' costs nothing" in problems[0]


def test_a_free_model_without_one_is_fine(folder: ConfigFolder) -> None:
    free = '  "x/y:free": {price: {input: 0, output: "0.0"}, offers: {groq: {}}}\n'
    assert list(check_references(folder.load(BASE.replace("models:\n", f"models:\n{free}")))) == []
