"""Which values of a configuration are masked in log lines."""

from gatewayz.config.secret_values import secret_values


def test_secrets_are_found_by_name_and_in_urls() -> None:
    plain = {
        "providers": {"a": {"api_key": "canary-a-1", "base_url": "https://user:canary-b-2@host/v1"}},
        "more": {"b": {"api_keys": {"one": "canary-c-3"}, "client_secret": "canary-d-4"}},
        "store": {"url": "postgresql+asyncpg://u:canary-e-5@db/x", "redis_url": "redis://:canary-f-6@h"},
    }
    assert secret_values(plain) == {f"canary-{letter}-{number}" for number, letter in enumerate("abcdef", 1)}


def test_ordinary_words_stay_readable() -> None:
    plain = {
        "routers": {"code": {"keywords": ["exception", "refactor"]}},
        "a": {"api_key": "none", "key": "two words here", "max_tokens_param": "max_completion_tokens"},
        "limits": {"tokens": 5000},
    }
    assert secret_values(plain) == frozenset()
