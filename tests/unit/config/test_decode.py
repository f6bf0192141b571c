from typing import Any

import msgspec
import pytest

from gatewayz.config.decode import decode_struct
from gatewayz.config.interpolate import Interpolator
from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.config.tree import parse
from gatewayz.sdk.errors import ConfigurationError
from gatewayz.sdk.secret import Secret


class Own(msgspec.Struct, frozen=True, kw_only=True):
    """Does not forbid unknown keys by itself."""

    url: str
    key: Secret = Secret("")
    weights: dict[str, float] = {}

    def __post_init__(self) -> None:
        if self.url == "bad":
            raise ConfigurationError("not a URL that can be used")
        if self.url == "worse":
            raise ValueError("worse than bad")


def decode(text: str) -> Own:
    tree = parse(f"providers:\n  p:\n{text}", "f.yaml", [])
    value: Any = Interpolator({}).plain(tree)
    return decode_struct(value["providers"]["p"], Own, path=("providers", "p"), tree=tree)


def errors(text: str) -> str:
    with pytest.raises(ConfigurationInvalid) as caught:
        decode(text)
    return str(caught.value)


def test_secrets_are_secrets() -> None:
    assert decode("    {url: x, key: 123}").key == Secret("123")
    assert decode("    {url: x, key: '0123'}").key == Secret("0123")


def test_all_errors_with_their_places() -> None:
    assert errors("    url: 1\n    uri: x\n    weights: {a: heavy}\n").splitlines() == [
        "f.yaml:3: providers.p.url: expected text, found 1",
        "f.yaml:4: providers.p.uri: unknown key; did you mean 'url'?",
        "f.yaml:5: providers.p.weights.a: expected a number, found 'heavy'",
    ]


@pytest.mark.parametrize(("url", "said"), [("bad", "not a URL that can be used"), ("worse", "worse than bad")])
def test_what_a_type_refuses_itself_is_placed_too(url: str, said: str) -> None:
    assert errors(f"    url: {url}\n").startswith("f.yaml:2: providers.p: ")
    assert said in errors(f"    url: {url}\n")


def test_a_secret_of_another_kind_is_refused_without_being_shown() -> None:
    assert errors("    {url: x, key: 3.14159}") == (
        "f.yaml:3: providers.p.key: expected text or a whole number, found something else"
    )
