from gatewayz.telemetry.metrics.request_record import RequestRecord


def test_requests_are_counted_by_method_endpoint_and_status() -> None:
    record = RequestRecord()
    for status in (200, 200, 503):
        record.record("GET", "/health", status, 0.25)
    answered = record.answered()["GET", "/health"]
    assert answered.statuses == {200: 2, 503: 1} and answered.duration_ms.count == 3
    assert answered.duration_ms.mean() == 250


def test_methods_that_callers_make_up_are_one() -> None:
    record = RequestRecord()
    for number in range(50):
        record.record(f"MADE{number}", "none", 405, 0.001)
    assert list(record.answered()) == [("OTHER", "none")]
    assert record.answered()["OTHER", "none"].statuses == {405: 50}
