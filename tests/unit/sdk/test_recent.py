from gatewayz.sdk.recent import Recent


def test_two_values_in_turn_are_worked_out_once_each() -> None:
    asked: list[list[int]] = []

    def total(value: list[int]) -> int:
        asked.append(value)
        return sum(value)

    recent = Recent(total)
    calls, batches, later = [1, 2], [1, 2], [5]
    for _ in range(3):
        assert (recent.of(calls), recent.of(batches)) == (3, 3)
    assert [id(each) for each in asked] == [id(calls), id(batches)]  # equal, yet not the same
    assert recent.of(later) == 5 and recent.of(batches) == 3
    assert len(asked) == 3
    recent.of(calls)
    assert len(asked) == 4
