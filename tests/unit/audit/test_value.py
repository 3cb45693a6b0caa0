"""Values of findings read as their senders wrote them, as far as numbers remember that."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scp.audit.value import plain, written


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ((1.0, 2.0), "1\\2"),
        ([0.5, 0.25], "0.5\\0.25"),
        ((1, -2.0, 1e-9), "1\\-2\\1e-09"),
        (-0.0, "0"),
        (1e308, "1e+308"),
        (float("inf"), "inf"),
        (4096, "4096"),
        ("1.0", "1.0"),
        (("AXIAL", None), "AXIAL\\None"),
        ((), ""),
    ],
)
def test_numbers_are_as_short_as_they_are(value: Any, text: str) -> None:
    assert written(value) == text


def test_json_has_whole_numbers_too_wherever_they_are() -> None:
    found = plain({"(0028,0030) PixelSpacing": (1.0, 0.5), "absent": None})
    assert found == {"(0028,0030) PixelSpacing": [1, 0.5], "absent": None}
    assert [type(one) for one in found["(0028,0030) PixelSpacing"]] == [int, float]


@given(st.floats(allow_nan=False))
def test_a_number_keeps_its_value(value: float) -> None:
    assert float(written(value)) == value
