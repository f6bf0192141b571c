"""Where the cases that take more than one request are proven: by tests of their own, against a started server too."""

from typing import Final

__all__ = ["PROOFS"]

_LIVE: Final = "tests/live"
PROOFS: Final[dict[str, str]] = {
    case: f"{_LIVE}/{test}"
    for case, test in {
        "9.2.1": "test_credits_cases.py::test_3_1_7_and_9_2_1_no_credit_no_call",
        "9.2.2": "test_credits_cases.py::test_9_2_2_one_deduction_for_one_request_id",
        "9.2.3": "test_credits_cases.py::test_9_2_3_allowance_first",
        "9.2.4": "test_credits_cases.py::test_9_2_4_failures_are_free",
        "25.1": "test_inference_cases.py::test_25_1_openai_sdk",
        "25.2": "test_inference_cases.py::test_25_2_anthropic_sdk",
        "25.3": "test_inference_cases.py::test_3_3_3_and_25_3_failover",
        "25.4": "test_inference_cases.py::test_25_4_a_400_is_tried_once",
        "25.5": "test_inference_cases.py::test_25_5_and_25_6_breaker_opens_and_recovers",
        "25.6": "test_inference_cases.py::test_25_5_and_25_6_breaker_opens_and_recovers",
        "25.7": "test_limits_cases.py::test_25_7_ip_level_limits",
        "25.8": "test_limits_cases.py::test_8_4_3_and_25_8_a_lowered_limit_holds",
        "25.9": "test_limits_cases.py::test_25_9_anonymous_limits_are_stricter",
        "25.10": "test_limits_redis_faults.py::test_25_10_limits_work_without_redis",
        "25.11": "test_catalog_cases.py::test_25_11_served_from_cache",
        "25.12": "test_access_cases.py::test_25_12_the_second_call_of_a_key_asks_no_database",
        "25.13": "test_credits_cases.py::test_25_13_no_price_no_call",
        "25.14": "test_credits_cases.py::test_25_14_allowance_to_its_end_then_purchased",
        "25.15": "test_auth_cases.py::test_2_2_and_25_15_first_sign_in_makes_an_account",
        "25.16": "test_promotions_cases.py::test_3_1_8_and_25_16_expired_trial",
        "25.17": "test_api_keys_cases.py::test_25_17_keys_are_encrypted_at_rest",
        "25.18": "test_inference_cases.py::test_3_1_2_and_25_18_stream_is_correct_sse",
        "25.19": "test_inference_cases.py::test_3_3_1_and_25_19_aliases",
        "25.20": "test_health_cases.py::test_25_20_health_answers_without_a_database",
    }.items()
}
"""Behaviour case to the test that proves it."""
