"""Never more messages in any hour than said, and never a retry too soon or too late."""

from hypothesis import given
from hypothesis import strategies as st

from scp.notify.pace import Pace, pause


@given(st.integers(1, 30), st.lists(st.floats(0, 900), max_size=150))
def test_no_hour_has_more_messages_than_said(per_hour: int, gaps: list[float]) -> None:
    pace, now, passed = Pace(), 0.0, []
    for gap in gaps:
        now += gap
        if pace.wait(now, per_hour) <= 0:
            pace.passed(now)
            passed.append(now)
    for start in passed:
        assert sum(start <= one < start + 3600 for one in passed) <= per_hour


@given(st.integers(1, 30))
def test_after_the_wait_that_was_said_a_message_passes(per_hour: int) -> None:
    pace, now = Pace(), 0.0
    for _ in range(3 * per_hour):
        now += pace.wait(now, per_hour)
        assert pace.wait(now, per_hour) < 1e-6
        pace.passed(now)


def test_the_first_messages_pass_at_once_and_later_ones_with_gaps() -> None:
    pace = Pace()
    waits = []
    for _ in range(5):
        waits.append(pace.wait(0.0, 10))
        pace.passed(0.0)
    assert waits == [0.0] * 5
    assert pace.wait(0.0, 10) == 360.0


def test_a_smaller_number_counts_at_once() -> None:
    pace = Pace()
    for _ in range(5):
        pace.passed(0.0)
    assert pace.wait(60.0, 2) == 3540.0


def test_pauses_are_doubled_up_to_an_hour() -> None:
    assert [pause(attempts, 10.0) for attempts in (1, 2, 3)] == [10.0, 20.0, 40.0]
    assert pause(1000, 10.0) == 3600.0
