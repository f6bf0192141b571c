from pathlib import Path

import pytest

from gatewayz.config.load import load
from gatewayz.config.problems import ConfigurationInvalid
from gatewayz.config.resources import resource
from gatewayz.sdk.secret import Secret
from tests.fakes.config_files import ConfigFolder


@pytest.fixture
def folder(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)


def test_layers_in_order(folder: ConfigFolder) -> None:
    folder.write("chain: [a]\nmax_attempts: 2\n", "config/failover.yaml")
    folder.write("environment: staging\nserver: {port: 3}\n", "config/environments/staging.yaml")
    loaded = folder.load(
        "environment: staging\nfailover: {max_attempts: 3}\nserver: {host: h, port: 2}\n",
        GATEWAYZ_SERVER__BACKLOG="7",
    )
    assert loaded.settings.failover.chain == ("a",)
    assert loaded.settings.failover.max_attempts == 3
    assert (loaded.settings.server.host, loaded.settings.server.port, loaded.settings.server.backlog) == ("h", 3, 7)
    assert [file.name for file in loaded.files] == ["gatewayz.yaml", "failover.yaml", "staging.yaml"]


@pytest.mark.parametrize("by", ["option", "variable", "key"])
def test_the_overlay_is_chosen_by_option_variable_or_key(folder: ConfigFolder, by: str) -> None:
    folder.write("server: {port: 9}\n", "config/environments/test.yaml")
    text = "environment: ${APP_ENV:-test}\n" if by == "key" else "{}\n"
    environ = {"GATEWAYZ_ENVIRONMENT": "test"} if by == "variable" else {}
    loaded = folder.load(text, overlay="test" if by == "option" else None, **environ)
    assert loaded.settings.server.port == 9
    assert loaded.settings.environment == "test"


def test_an_overlay_that_was_asked_for_must_exist(folder: ConfigFolder) -> None:
    assert folder.errors("{}\n", overlay="test") == ["config/environments/test.yaml: there is no environment 'test'"]
    assert folder.errors("environment: test\n") == []


def test_an_overlay_is_not_a_path(folder: ConfigFolder) -> None:
    assert "not the name of an environment: '../x'" in folder.errors("{}\n", overlay="../x")[0]


def test_null_removes_an_entry_of_a_layer_below(folder: ConfigFolder) -> None:
    folder.write("a: {use: echo}\nb: {use: echo}\n", "config/providers.yaml")
    assert set(folder.load("providers: {a: null}\n").settings.providers) == {"b"}


@pytest.mark.parametrize(
    ("price", "missing"), [("{input: 1}", "output"), ("{output: 1}", "input"), ("{input: 1, image: 1}", "output")]
)
def test_token_rates_belong_together(folder: ConfigFolder, price: str, missing: str) -> None:
    (error,) = folder.errors(f"models: {{a/b: {{price: {price}}}}}\n")
    assert error == f"gatewayz.yaml:1: models.a/b.price: {missing} must be set"


def test_a_price_has_a_rate(folder: ConfigFolder) -> None:
    (error,) = folder.errors("models: {a/b: {price: {source: me}}}\n")
    assert "a price has `input` and `output`, or is by `image`" in error


@pytest.mark.parametrize("rate", ["{size: 1x1}", "{price: 1, tokens: 5}"])
def test_a_rate_by_picture_says_one_thing(folder: ConfigFolder, rate: str) -> None:
    (error,) = folder.errors(f"models: {{a/b: {{price: {{images: [{rate}]}}}}}}\n")
    assert "an image rate has either a price or tokens" in error


def test_every_error_is_reported_with_line_and_key(folder: ConfigFolder) -> None:
    text = """\
server:
  port: abc
  prot: 1
  trusted_proxies: 127.0.0.1
keys: {current_version: 0, hash_salt: 1.5}
servr: {}
providers:
  groq: {use: echo, enabled: maybe}
  x: {display: {colour: 1}}
models:
  a/b:
    price: {input: 1}
    offers: {groq: {price: cheap}}
environment: prod
store: {url: "${NOPE}", poll_changes_s: -1}
"""
    assert folder.errors(text) == [
        "gatewayz.yaml:15: store.url: the environment variable NOPE is not set and ${NOPE} has no default",
        "gatewayz.yaml:2: server.port: expected a whole number, found 'abc'",
        "gatewayz.yaml:3: server.prot: unknown key; did you mean 'port'?",
        "gatewayz.yaml:4: server.trusted_proxies: expected a list, found '127.0.0.1'",
        "gatewayz.yaml:5: keys.hash_salt: expected text or a whole number, found something else",
        "gatewayz.yaml:5: keys.current_version: must be at least 1",
        "gatewayz.yaml:6: servr: unknown key; did you mean 'server'?",
        "gatewayz.yaml:8: providers.groq.enabled: 'maybe' is none of: true or false, auto",
        "gatewayz.yaml:9: providers.x.display: name must be set",
        "gatewayz.yaml:9: providers.x.display.colour: unknown key; did you mean 'color'?",
        "gatewayz.yaml:9: providers.x: use must be set",
        "gatewayz.yaml:12: models.a/b.price: output must be set",
        "gatewayz.yaml:13: models.a/b.offers.groq.price: 'cheap' is none of: a mapping, null",
        "gatewayz.yaml:14: environment: 'prod' is not one of development, production, staging, test",
        "gatewayz.yaml:15: store.poll_changes_s: must be greater than 0",
    ]


def test_errors_of_several_files_come_together(folder: ConfigFolder) -> None:
    folder.write("a: 1\na: 2\n", "config/aliases.yaml")
    folder.write("x: 1\n", "config/provders.yaml")
    folder.write("server: [\n", "config/environments/test.yaml")
    assert folder.errors("environment: test\nserver: 5\n") == [
        "config/aliases.yaml:2: duplicate key 'a', first written on line 1",
        "config/provders.yaml: no such top-level key: 'provders'; did you mean 'providers'?",
        "config/environments/test.yaml:2: not YAML: while parsing a flow node, did not find expected node content",
        "config/aliases.yaml:1: aliases.a: expected text, found 1",
        "gatewayz.yaml:2: server: expected a mapping, found 5",
    ]


def test_a_file_that_is_not_there_or_not_text(folder: ConfigFolder) -> None:
    with pytest.raises(ConfigurationInvalid, match="no such file"):
        folder.load()
    folder.main.write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationInvalid, match="cannot be read"):
        folder.load()
    assert folder.errors("- a\n- b\n") == ["gatewayz.yaml:1: the file must be a mapping of keys to values"]


def test_variables_reach_every_key(folder: ConfigFolder) -> None:
    folder.write("google-vertex: {use: echo, timeouts: {total_s: 1}}\n", "config/providers.yaml")
    loaded = folder.load(
        "{}\n",
        GATEWAYZ_PROVIDERS__GOOGLE_VERTEX__TIMEOUTS__TOTAL_S="2.5",
        GATEWAYZ_SERVER__TRUSTED_PROXIES="[10.0.0.0/8]",
        GATEWAYZ_ACCESS__ADMIN_API_KEY="12345678901",
        GATEWAYZ_STORE__REDIS_URL="",
        GATEWAYZ_DATA_DIR="'1'",
    )
    assert loaded.settings.providers["google-vertex"].settings == {"timeouts": {"total_s": 2.5}}
    assert loaded.settings.server.trusted_proxies == ("10.0.0.0/8",)
    assert loaded.settings.access.admin_api_key == Secret("12345678901")
    assert loaded.settings.store.redis_url == ""
    assert loaded.settings.data_dir == "1"


def test_wrong_variables_are_named(folder: ConfigFolder) -> None:
    environ = {"GATEWAYZ_SERVER__PORT": "x", "GATEWAYZ_SEVER__PORT": "1", "GATEWAYZ_DATA_DIR": "[", "OTHER": "["}
    assert folder.errors("{}\n", environ=environ) == [
        "environment variable GATEWAYZ_DATA_DIR: not YAML: while parsing a flow node, "
        "did not find expected node content",
        "environment variable GATEWAYZ_SEVER__PORT: no configuration key goes by that name; did you mean 'server'?",
        "environment variable GATEWAYZ_SERVER__PORT: server.port: expected a whole number, found 'x'",
    ]


def test_variables_of_others_are_only_warned_of(folder: ConfigFolder) -> None:
    loaded = folder.load("{}\n", GATEWAYZ_HOME="/x")
    assert [str(each) for each in loaded.warnings] == [
        "environment variable GATEWAYZ_HOME: no configuration key goes by that name"
    ]


def test_nothing_prints_a_secret(folder: ConfigFolder) -> None:
    loaded = folder.load(
        "access: {admin_api_key: '${K}'}\nproviders: {p: {use: x, api_key: '${K}'}}\n", K="canary-secret"
    )
    assert loaded.settings.access.admin_api_key.reveal() == "canary-secret"
    assert "canary" not in f"{loaded!r} {loaded.settings!r} {loaded.settings.providers}"


def test_a_secret_that_is_not_text_is_not_shown(folder: ConfigFolder) -> None:
    assert folder.errors("access: {admin_api_key: [canary]}\n") == [
        "gatewayz.yaml:1: access.admin_api_key: expected text or a whole number, found a list"
    ]


def test_without_a_config_folder_the_shipped_data_is_used(tmp_path: Path) -> None:
    file = tmp_path / "gatewayz.yaml"
    file.write_text("{}\n")
    assert load(file, environ={}).config_dir == resource("config")
