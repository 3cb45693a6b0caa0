"""Numbers along a line: what is the same, what is usual, what is missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.audit.series.line import are_same, clusters, fit_line, gaps, pitches, usual_step
from scp.audit.series.planes import Floats


def floats(*values: float) -> Floats:
    return np.array(values, np.float64)


def test_numbers_that_are_near_are_one() -> None:
    assert clusters(floats(0, 0.001, 0.002, 2.5, 2.501, 5), 0.01).tolist() == [0, 0, 0, 1, 1, 2]
    assert clusters(floats(), 0.01).tolist() == []


@pytest.mark.parametrize(
    ("steps", "usual"),
    [
        ((2.5, 2.5, 2.5, 7.5), 2.5),
        ((10.5, 21), 10.5),
        ((1.25, 1.25, 202.5), 1.25),
        ((0.62, 0.63, 0.62, 0.63, 1.25), 0.625),
        ((1.0, 1.5, 1.0, 1.5), 1.0),
        ((1.0, 2.0, 3.0, 4.0, 5.0), 3.0),
    ],
)
def test_the_usual_step_is_that_of_most_or_else_the_middle_one(steps: tuple[float, ...], usual: float) -> None:
    assert usual_step(floats(*steps)) == pytest.approx(usual)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (2.5, 2.52, True),
        (2.5, 2.53, False),
        (0.625, 0.633, True),
        (0.005, 0.01, False),
        (0.1, 0.104, True),
        (0.1, 0.107, False),
    ],
)
def test_steps_are_the_same_but_for_rounding(one: float, other: float, same: bool) -> None:
    assert bool(are_same(floats(one), other)[0]) is same


def test_three_equal_steps_in_a_row_are_a_pitch() -> None:
    assert pitches(floats(4, 4, 4, 5, 7, 7, 7, 7, 9, 9)).tolist() == [0, 0, 0, -1, 1, 1, 1, 1, -1, -1]
    assert pitches(floats()).tolist() == []


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ((5, 5, 5, 10, 5, 5, 5), [(3, 1)]),
        ((5, 5, 5, 20, 5, 5, 5), [(3, 3)]),
        ((5, 5, 5, 9.1, 5, 5, 5), [(3, 1)]),
        ((5, 5, 5, 8.9, 5, 5, 5), []),
        ((5, 5, 5, 12.5, 5, 5, 5), []),
        ((5, 5, 5, 32.5, 5, 5, 5), [(3, 5)]),
        ((4, 4, 4, 14, 7, 7, 7), [(3, 1)]),
        ((4, 4, 4, 8, 4, 4, 7, 7, 7), [(3, 1)]),
        ((5, 5, 5, 10, 10, 10), []),
        ((3, 1, 8, 2.2, 5.1, 13), []),
    ],
)
def test_holes_are_single_steps_that_are_a_multiple_of_the_pitch_beside_them(
    steps: tuple[float, ...], found: list[tuple[int, int]]
) -> None:
    values = floats(*steps)
    assert [(gap.after, gap.missing) for gap in gaps(values, usual_step(values))] == found


@given(slope=st.floats(-2, 2), begin=st.floats(-500, 500), off=st.integers(0, 19), by=st.floats(1, 50))
def test_one_point_that_is_off_does_not_bend_the_line(slope: float, begin: float, off: int, by: float) -> None:
    at = floats(*(2.5 * n for n in range(20)))
    values = floats(*(begin + slope * 2.5 * n for n in range(20)))[:, None]
    values[off] += by
    slopes, intercepts = fit_line(at, values)
    assert slopes[0] == pytest.approx(slope, abs=1e-6)
    assert intercepts[0] == pytest.approx(begin, abs=1e-4)
