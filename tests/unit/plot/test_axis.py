"""Axes: what is shown lies within them, and their marks are round numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.plot.axis import Axis, axis_over, short, signed

numbers = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(numbers, min_size=1, max_size=50))
def test_everything_lies_between_the_ends(values: list[float]) -> None:
    axis = axis_over(values, 300, 50, least=1)
    assert all(50 <= axis(value) <= 300 for value in values)
    assert axis.high - axis.low >= 1


def test_an_axis_over_nothing_is_around_zero() -> None:
    axis = axis_over([], 0, 100, least=1)
    assert axis(0) == 50


@given(numbers, st.floats(0.001, 1e6), st.integers(2, 10))
def test_marks_are_on_the_axis_and_about_as_many_as_asked_for(low: float, span: float, about: int) -> None:
    ticks = Axis(low, low + span, 0, 100).ticks(about)
    assert len(ticks) <= about + 1
    assert all(low - span * 1e-3 <= value <= low + span * 1.001 for value, _ in ticks)


@pytest.mark.parametrize(
    ("low", "high", "about", "labels"),
    [
        (-100, 100, 4, ["−100", "−50", "0", "50", "100"]),
        (0, 5, 3, ["0", "2", "4"]),
        (-0.2, 0.2, 3, ["−0.2", "0.0", "0.2"]),
        (0, 0.03, 3, ["0.00", "0.01", "0.02", "0.03"]),
    ],
)
def test_marks_are_round_numbers(low: float, high: float, about: int, labels: list[str]) -> None:
    assert [label for _, label in Axis(low, high, 0, 1).ticks(about)] == labels


def test_whole_numbers_have_no_marks_between_them() -> None:
    assert [label for _, label in Axis(0.9, 3.1, 0, 100).ticks(20, whole=True)] == ["1", "2", "3"]


@pytest.mark.parametrize(("value", "text"), [(-2.5, "−2.50"), (0, "0.00"), (-0.001, "0.00"), (12.345, "12.35")])
def test_numbers_have_a_true_minus_and_no_minus_zero(value: float, text: str) -> None:
    assert signed(value, 2) == text


@pytest.mark.parametrize(("value", "text"), [(2.5, "2.5"), (3.0, "3"), (-0.488281, "−0.488"), (100, "100")])
def test_lengths_are_written_short(value: float, text: str) -> None:
    assert short(value) == text
