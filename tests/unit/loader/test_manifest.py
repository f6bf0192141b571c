from pathlib import Path

import pytest

from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.loader.manifest import is_in_range, read_manifest
from gatewayz.sdk.errors import ConfigurationError


@pytest.mark.parametrize(
    ("version", "wanted", "is_in"),
    [
        ("1.0", "", True),
        ("1.0", ">=1.0,<2", True),
        ("1.3", ">=1.4,<2", False),
        ("2.0", ">=1.0,<2", False),
        ("1.0", "==1", True),
        ("1.10", ">1.9", True),
        ("1.0", "!=1.0", False),
        ("1.5", "~=1.4", True),
        ("2.0", "~=1.4", False),
        ("1.0", "<=1.0.0", True),
    ],
)
def test_ranges(version: str, wanted: str, is_in: bool) -> None:
    assert is_in_range(version, wanted) is is_in


def test_a_range_that_cannot_be_read() -> None:
    with pytest.raises(ConfigurationError, match=r"write it like '>=1\.0,<2'"):
        is_in_range("1.0", "^1")


def test_manifests(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    file = tmp_path / "plugin.yaml"
    file.write_text("kind: provider\nname: x\nsummary: s\napi: '>=1.0'\n")
    found = read_manifest(tmp_path)
    assert found is not None
    assert (found.kind, found.name, found.api) == ("provider", "x", ">=1.0")
    file.write_text("kind: provider\nname: x\nsumary: s\n")
    with pytest.raises(ConfigurationInvalid) as caught:
        read_manifest(tmp_path)
    assert [problem.path for problem in caught.value.problems] == [(), ("sumary",)]
    file.write_text("- x\n")
    with pytest.raises(ConfigurationInvalid, match="a manifest is a mapping"):
        read_manifest(tmp_path)
    file.write_text("a: [\n")
    with pytest.raises(ConfigurationInvalid, match="not YAML"):
        read_manifest(tmp_path)
