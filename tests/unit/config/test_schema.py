from typing import Annotated, Any, Literal

import msgspec
import pytest
from jsonschema import Draft202012Validator
from msgspec import Meta

from gatewayz.config.schema import section_schema, settings_schema, type_schema
from gatewayz.config.settings import Settings
from gatewayz.sdk.secret import Secret


class Inner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Inner things."""

    size: Annotated[int, Meta(ge=1, le=9)] = 1
    """How large."""


class Plugin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str
    key: Secret | None = None
    mode: Literal["a", "b"] = "a"
    inners: dict[str, Inner] = {}
    pair: tuple[int, str] | None = None
    names: frozenset[str] = frozenset()
    free: Any = None


def accepts(schema: dict[str, Any], value: Any) -> bool:
    return Draft202012Validator(schema).is_valid(value)


def test_a_plugins_type_becomes_a_schema() -> None:
    schema = type_schema(Plugin)
    Draft202012Validator.check_schema(schema)
    assert schema["required"] == ["url"]
    assert schema["$defs"]["Inner"]["properties"]["size"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 9,
        "default": 1,
        "description": "How large.",
    }
    assert schema["properties"]["key"]["anyOf"][0] == {"type": ["string", "integer"], "writeOnly": True}


@pytest.mark.parametrize(
    ("value", "is_valid"),
    [
        ({"url": "x"}, True),
        ({}, False),
        ({"url": "x", "key": None}, True),
        ({"url": "x", "mode": "c"}, False),
        ({"url": "x", "inners": {"i": {"size": 10}}}, False),
        ({"url": "x", "pair": [1, "a"]}, True),
        ({"url": "x", "pair": [1]}, False),
        ({"url": "x", "names": ["a"], "free": {"b": 1}}, True),
        ({"url": "x", "other": 1}, False),
    ],
)
def test_the_schema_decides_as_the_type_does(value: dict[str, Any], is_valid: bool) -> None:
    assert accepts(type_schema(Plugin), value) is is_valid


def test_entries_take_the_settings_of_the_plugin_they_use() -> None:
    schema = settings_schema({"providers": {"mine": Plugin}})
    Draft202012Validator.check_schema(schema)

    def entry(**keys: Any) -> bool:
        return accepts(schema, {"providers": {"p": keys}})

    assert entry(use="mine", url="x", enabled=True, display={"name": "P"})
    assert not entry(use="mine", url="x", unknown=1)
    assert not entry(use="mine")
    assert not entry(use="yours", url="x")
    assert not entry(url="x")


def test_a_single_entry_likewise() -> None:
    schema = settings_schema({"billing": {"mine": Plugin}})
    assert accepts(schema, {"billing": {"use": "mine", "url": "x"}})
    assert not accepts(schema, {"billing": {"use": "mine", "urls": "x"}})


@pytest.mark.parametrize("section", Settings.__struct_fields__)
def test_every_section_has_a_valid_schema(section: str) -> None:
    Draft202012Validator.check_schema(section_schema(section))


def test_every_key_of_every_section_is_described_or_speaks_for_itself() -> None:
    server = settings_schema()["$defs"]["Server"]
    assert server["description"] == "The listening side."
    assert server["properties"]["trusted_proxies"]["description"].startswith("Addresses or CIDR ranges")


def test_unknown_keys_are_refused() -> None:
    assert not accepts(settings_schema(), {"servr": {}})
    assert not accepts(settings_schema(), {"server": {"prot": 1}})
    assert accepts(settings_schema(), {"server": {"port": 1}})


def test_types_of_one_name_are_told_apart() -> None:
    other = msgspec.defstruct("Inner", [("weight", int, 0)], module="elsewhere")
    schema = type_schema(msgspec.defstruct("Both", [("one", Inner), ("two", other)]))
    assert schema["properties"]["one"]["$ref"] != schema["properties"]["two"]["$ref"]
    assert list(schema["$defs"]["elsewhere.Inner"]["properties"]) == ["weight"]
    assert list(schema["$defs"]["Inner"]["properties"]) == ["size"]
