from gatewayz.config.key_variables import key_variables
from gatewayz.config.load import load
from gatewayz.config.resources import resource
from gatewayz.config.tree import parse


def test_the_shipped_providers_name_their_variables() -> None:
    found = key_variables(load(resource("gatewayz.yaml"), environ={}).tree)
    assert found["openai"] == ("OPENAI_API_KEY",)
    assert found["openrouter"] == ("OPENROUTER_API_KEY",)  # and not the ones of its site
    assert "local" not in found


def test_variables_are_named_once_and_values_never() -> None:
    text = """
providers:
  mine: {api_key: "${MINE_KEY:-${OTHER_TOKEN:-}}", url: "${MINE_URL:-x}", more: [{again: "${MINE_KEY}"}]}
  plain: {api_key: "written out"}
"""
    assert key_variables(parse(text, "file", [])) == {"mine": ("MINE_KEY", "OTHER_TOKEN")}
    assert key_variables(parse("providers: null", "file", [])) == {}
