import logging
from typing import Any

import pytest

from gatewayz.loader.observers import QUARANTINE_AFTER, Observer, Observers


class Plugin:
    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.told: list[object] = []

    def __call__(self, value: object) -> object:
        self.told.append(value)
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, BaseException):
            raise answer
        return answer


def observer(function: Any) -> Observer:
    return Observer(plugin="p", hook="h", function=function, takes_value=True)


def test_everyone_is_told_whatever_the_others_do(caplog: pytest.LogCaptureFixture) -> None:
    broken, sound = Plugin(ValueError("oh"), SystemExit(1)), Plugin()
    observers = Observers(attempt_finished=[observer(broken), observer(sound)])
    for value in ("a", "b", "c"):
        observers.attempt_finished(value)  # type: ignore[arg-type]
    assert broken.told == sound.told == ["a", "b", "c"]
    assert [each.faults for each in observers.all] == [2, 0]
    assert "plugin 'p': h failed (1 in a row): ValueError: oh" in caplog.text


def test_repeated_faults_end_in_quarantine(caplog: pytest.LogCaptureFixture) -> None:
    broken = Plugin(*[ValueError("oh")] * 100)
    each = observer(broken)
    for _ in range(QUARANTINE_AFTER + 5):
        each.tell("x")
    assert each.is_quarantined
    assert len(broken.told) == each.faults == QUARANTINE_AFTER
    assert "is not called any more" in caplog.text
    assert len([record for record in caplog.records if record.exc_info]) == 1


def test_a_success_between_faults_starts_the_count_anew() -> None:
    broken = Plugin(*([ValueError()] * (QUARANTINE_AFTER - 1) + [None]) * 3)
    each = observer(broken)
    for _ in range(QUARANTINE_AFTER * 3):
        each.tell("x")
    assert not each.is_quarantined
    assert each.faults == (QUARANTINE_AFTER - 1) * 3


def test_an_async_observer_is_a_fault(caplog: pytest.LogCaptureFixture) -> None:
    async def late(value: object) -> None:
        raise AssertionError("never runs")

    each = observer(late)
    each.tell("x")
    assert each.faults == 1
    assert "not 'async def'" in caplog.text


def test_nobody_listens(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    observers = Observers()
    assert not observers.wants_attempts
    observers.attempt_finished(None)  # type: ignore[arg-type]
    observers.request_settled(None)  # type: ignore[arg-type]
    assert caplog.records == []
