"""SER: whether the pixels of a stack mean the same everywhere."""

from typing import Any

import pytest

from scp.audit.rules import ser_values
from scp.audit.rules.ser_values import RULES
from scp.audit.series.member import Member
from tests.rules.series import SeriesCase, again, changed, check, fires, found_by, member, quiet, slices

AIR = (1.0, -1024.0)


def scaled(index: int, rescale: tuple[float | None, ...] | None, **changes: Any) -> list[Member]:
    """Slices of CT, one of which has another scale."""
    return changed(slices(rescale=AIR, **changes), index, rescale=rescale)


def wide(begin: float, pixel: float = 0.6, first: int = 101) -> list[Member]:
    return slices(begin=begin, spacing=(pixel, pixel), first=first)


SERIES_CASES = [
    fires("SER-312", "another intercept", lambda: scaled(4, (1.0, 0.0))),
    fires("SER-312", "another slope", lambda: scaled(4, (0.5, -1024.0))),
    fires("SER-312", "one lost both", lambda: scaled(4, (None, None))),
    fires("SER-312", "half of it", lambda: [*slices(rescale=AIR), *slices(first=11, begin=-75, rescale=(1.0, 0.0))]),
    quiet("SER-312", "one scale", lambda: slices(rescale=AIR)),
    quiet("SER-312", "none anywhere", lambda: slices(rescale=(None, None))),
    quiet("SER-312", "another image type", lambda: [
        *slices(rescale=AIR), *again(slices(rescale=(1.0, 0.0)), stack="b")]),
    quiet("SER-312", "something else", slices),
    quiet("SER-312", "not known of one", lambda: changed(scaled(4, (1.0, 0.0)), 7, rescale=None)),
    fires("SER-313", "two reconstructions", lambda: [*slices(), *wide(-100)]),
    fires("SER-313", "one slice", lambda: changed(slices(), 4, spacing=(0.5, 0.6))),
    fires("SER-313", "the last of the one is the first of the other", lambda: [*slices(), *wide(-77.5)]),
    fires("SER-313", "one within a longer one", lambda: [
        *slices(), *wide(-50), *wide(-97.5, 0.7, 201)]),
    quiet("SER-313", "one after the other", lambda: [*slices(), *wide(-75)]),
    quiet("SER-313", "one before the other", lambda: [*slices(), *wide(-125)]),
    quiet("SER-313", "the same but for rounding", lambda: changed(slices(), 4, spacing=(0.5004, 0.5))),
    quiet("SER-313", "one has none", lambda: changed(slices(), 4, spacing=None)),
    quiet("SER-313", "one is zero", lambda: changed(slices(), 4, spacing=(0.0, 0.5))),
    quiet("SER-313", "nothing with a place", lambda: [member(1, None)]),
]  # fmt: skip


@pytest.mark.parametrize("row", SERIES_CASES)
def test_what_the_rule_says(row: SeriesCase) -> None:
    check(RULES, row)


def test_the_few_are_named_with_both_scales() -> None:
    (found,) = found_by(ser_values.rescale_differs, scaled(4, (1.0, None)))
    assert found.message == (
        "Rescale Slope and Intercept of 1 slice: 1 and missing, of the others 1 and −1024: Instance Number 5"
    )
    assert found.instances == ("1.2.5",)


def test_scales_that_differ_look_different() -> None:
    (found,) = found_by(ser_values.rescale_differs, scaled(4, (1.00001, -1024.0)))
    assert (found.found, found.expected) == ("1.00001 and −1024", "1 and −1024")


def test_the_smaller_field_of_view_is_named() -> None:
    (found,) = found_by(ser_values.fields_of_view_overlap, changed(slices(), 4, spacing=(0.6, 0.6)))
    assert found.message == "2 fields of view overlap: Instance Number 5"
    assert found.instances == ("1.2.5",)
