"""The schemas in `schemas/` are those that the types make."""

import asyncio

import msgspec
import pytest
from jsonschema import Draft202012Validator
from typer.testing import CliRunner

from gatewayz.cli.application import build
from gatewayz.cli.schema import drifted, published
from gatewayz.config.env import environment
from gatewayz.config.load import load
from gatewayz.config.resources import resource
from gatewayz.loader.code import load_builtins


@pytest.fixture(scope="module")
def schemas() -> dict[str, bytes]:
    return published(asyncio.run(load_builtins()).registry.settings_types())


def test_nothing_has_drifted(schemas: dict[str, bytes]) -> None:
    assert drifted(schemas, resource("schemas")) == [], "run `gatewayz schema --write`"


def test_every_schema_is_one(schemas: dict[str, bytes]) -> None:
    for text in schemas.values():
        Draft202012Validator.check_schema(msgspec.json.decode(text))


def test_the_shipped_configuration_fits_its_schema(schemas: dict[str, bytes]) -> None:
    loaded = load(resource("gatewayz.yaml"), environ=environment())
    errors = Draft202012Validator(msgspec.json.decode(schemas["gatewayz.schema.json"])).iter_errors(loaded.plain)
    assert [f"{list(error.absolute_path)}: {error.message}"[:300] for error in errors] == []


def test_every_file_names_its_schema(schemas: dict[str, bytes]) -> None:
    for file in resource("config").glob("*.yaml"):
        assert f"# yaml-language-server: $schema=../schemas/{file.stem}.schema.json" in file.read_text(), file.name
        assert f"{file.stem}.schema.json" in schemas


def test_printing_one() -> None:
    run = CliRunner().invoke
    app = build(["schema"])
    assert msgspec.json.decode(run(app, ["schema"]).stdout.encode())["title"] == "gatewayz.yaml"
    echo = run(app, ["schema", "plugins/providers.echo"]).stdout
    assert msgspec.json.decode(echo.encode())["title"] == "providers.echo"
    assert run(app, ["schema", "nothing"]).exit_code == 2
