from pathlib import Path

import pytest

from gatewayz.config import resources
from gatewayz.config.resources import resource


def test_a_checkout_has_its_own_files() -> None:
    assert (resource("config") / "providers.yaml").is_file()
    assert resource("gatewayz.yaml").is_file()


def test_an_install_has_them_inside_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "site-packages" / "gatewayz" / "config" / "resources.py"
    packaged = tmp_path / "site-packages" / "gatewayz" / "_resources"
    (packaged / "config").mkdir(parents=True)
    monkeypatch.setattr(resources, "__file__", str(module))
    assert resource("config") == packaged / "config"
    assert resource("schemas") == tmp_path / "site-packages" / "schemas", "not packaged: beside the package"
