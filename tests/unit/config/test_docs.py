"""The documentation says what the code does."""

import re

import pytest

from gatewayz.config.load import load
from gatewayz.config.resources import resource
from gatewayz.config.settings import Settings
from gatewayz.sdk import hookspecs
from tests.fakes.config_files import ConfigFolder

DOCS = resource("gatewayz.yaml").parent / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text()
HOOKS = (DOCS / "plugins" / "hooks.md").read_text()


@pytest.mark.parametrize("key", Settings.__struct_fields__)
def test_every_top_level_key_is_documented(key: str) -> None:
    assert f"\n| `{key}` | " in CONFIGURATION


def test_no_other_key_is_documented() -> None:
    table = CONFIGURATION.partition("## Keys")[2].partition("## Instances")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(Settings.__struct_fields__)


def test_examples_load(tmp_path_factory: pytest.TempPathFactory) -> None:
    examples = re.findall(r"```yaml\n(.*?)```", CONFIGURATION, re.DOTALL)
    assert examples
    for example in examples:
        folder = ConfigFolder(tmp_path_factory.mktemp("example"))
        assert load(folder.write(example), environ={}).settings.providers


def test_every_hook_has_a_heading_with_its_signature() -> None:
    specified = {
        name: function.__code__.co_varnames[: function.__code__.co_argcount]
        for name, function in vars(hookspecs).items()
        if name.startswith("gatewayz_")
    }
    headings = re.findall(r"^## (gatewayz_\w+)\((.*)\)$", HOOKS, re.MULTILINE)
    assert dict(headings) == {name: ", ".join(arguments) for name, arguments in specified.items()}
