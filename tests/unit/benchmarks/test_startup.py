import msgspec

from benchmarks.kit.startup import dummy_credentials, heaviest_packages, parse_import_times

TEXT = """\
import time: self [us] | cumulative | imported package
import time:       120 |        120 |   _io
import time:      2500 |       2620 | quart.app
import time:       500 |       3120 |   quart
a warning of somebody: 3 | 4 | x
"""


def test_import_times_are_self_times_in_milliseconds() -> None:
    assert parse_import_times(TEXT) == [("_io", 0.12), ("quart.app", 2.5), ("quart", 0.5)]


def test_modules_are_summed_by_package() -> None:
    assert heaviest_packages(parse_import_times(TEXT)) == (("quart", 3.0), ("_io", 0.12))


def test_keys_get_dummies_and_settings_keep_their_defaults() -> None:
    text = 'api_key: "${A_API_KEY:-${B_TOKEN:-}}"\nregion: "${AWS_REGION:-us-east-1}"\nurl: ${AZURE_OPENAI_ENDPOINT:-}'
    found = dummy_credentials(text)
    assert found.keys() == {"A_API_KEY", "B_TOKEN", "AZURE_OPENAI_ENDPOINT"}
    assert found["AZURE_OPENAI_ENDPOINT"].startswith("https://")


def test_a_service_account_has_a_real_key() -> None:
    found = dummy_credentials('credentials_json: "${GOOGLE_VERTEX_CREDENTIALS_JSON:-}"')
    account = msgspec.json.decode(found["GOOGLE_VERTEX_CREDENTIALS_JSON"])
    assert account["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
