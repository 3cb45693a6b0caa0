"""SER: whether slices are parallel, and lie where a volume has them."""

from math import cos, radians, sin
from typing import Any

import pytest
from pydicom.uid import MRImageStorage

from scp.audit.rules import ser_line
from scp.audit.rules.ser_line import RULES
from scp.audit.series.member import Member
from tests.rules.series import (
    CORONAL,
    SAGITTAL,
    SeriesCase,
    again,
    changed,
    check,
    fires,
    found_by,
    member,
    moved,
    quiet,
    slices,
    view_of,
)


def turned(degrees: float) -> tuple[float, ...]:
    """Axial, turned about the rows."""
    return 1.0, 0.0, 0.0, 0.0, cos(radians(degrees)), sin(radians(degrees))


def sheared(degrees: float, **changes: Any) -> list[Member]:
    """Axial slices on a line so many degrees off their normal."""
    slope = sin(radians(degrees)) / cos(radians(degrees))
    return [member(n, (0.0, slope * 2.5 * n, 2.5 * n), **changes) for n in range(1, 11)]


def located(factor: float, begin: float = 7.0) -> list[Member]:
    return [one._replace(geometry=one.geometry._replace(location=begin + factor * 2.5 * n))
            for n, one in enumerate(slices())]  # fmt: skip


def localizer() -> list[Member]:
    return [
        *slices(3),
        *(member(10 + n, (0.0, 20.0 * n, 0.0), orientation=CORONAL) for n in range(3)),
        *(member(20 + n, (20.0 * n, 0.0, 0.0), orientation=SAGITTAL) for n in range(3)),
    ]


def discs(shift: float = 8.0) -> list[Member]:
    """MR of two discs of a spine, five slices each: parallel, and not on one line."""
    return [
        member(n, (0.0, shift * (n // 5), 40.0 * (n // 5) + 4.0 * (n % 5)), sop_class_uid=MRImageStorage)
        for n in range(10)
    ]


def mosaics() -> list[Member]:
    """Volumes of functional MR in one image each, which follow the head: their position is that of no slice."""
    return [
        member(n, (-600 + 0.1 * n, 3.0 * n * n, 50.0), orientation=turned(0.1 * (n % 3)), mosaic=True) for n in range(8)
    ]


OVER: tuple[float, ...] = (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0)
"""Axial, turned by 180 degrees in its plane."""


def scanned(*tilts: tuple[float, float | None], **changes: Any) -> list[Member]:
    """CT of three slices in each direction, of so many degrees, and the tilt that they state."""
    return [
        member(3 * n + k + 1, (0.0, 0.0, 30.0 * n + 2.5 * k), orientation=turned(degrees), tilt=tilt,
               **{"rescale": (1.0, -1024.0)} | changes)
        for n, (degrees, tilt) in enumerate(tilts) for k in range(3)
    ]  # fmt: skip


def exchanged(members: list[Member], *pairs: tuple[int, int]) -> list[Member]:
    """The same, where two have each other's Slice Location."""
    for one, other in pairs:
        places = members[one].geometry.location, members[other].geometry.location
        members = changed(changed(members, one, location=places[1]), other, location=places[0])
    return members


def rotating() -> list[Member]:
    """A projection every five degrees, and one that a reading cannot place: it is where the others are not."""
    return [
        member(n, (0.0, 0.0, 0.0), orientation=(cos(radians(5 * n)), sin(radians(5 * n)), 0, 0, 0, -1))
        for n in range(12)
    ]


SERIES_CASES = [
    fires("SER-301", "localizer of three planes", localizer),
    fires("SER-301", "rotating projections", rotating),
    fires("SER-301", "one slice 5 degrees off", lambda: changed(slices(), 4, orientation=turned(5))),
    fires("SER-301", "0.02 degrees", lambda: changed(slices(), 4, orientation=turned(0.02)), "jitter"),
    fires("SER-301", "0.008 degrees", lambda: changed(slices(), 4, orientation=turned(0.008)), "jitter"),
    fires("SER-301", "0.4 degrees", lambda: changed(slices(), 4, orientation=turned(0.4)), "jitter"),
    fires("SER-301", "the last one turned over", lambda: changed(slices(), 9, orientation=OVER), "rotated"),
    fires("SER-301", "the last one mirrored", lambda: changed(slices(), 9, orientation=(-1, 0, 0, 0, 1, 0)), "rotated"),
    fires("SER-301", "two turned over", lambda: changed(changed(slices(), 9, orientation=OVER), 0, orientation=OVER),
          "rotated"),
    fires("SER-301", "as many one way as the other", lambda: [*slices(), *again(slices(), orientation=OVER)]),
    fires("SER-301", "three turned over", lambda: [*slices(), *again(slices(3), orientation=OVER)]),
    fires("SER-301", "one turned over beside three", lambda: changed(slices(4), 3, orientation=OVER)),
    fires("SER-301", "one turned over among very many stacks", lambda: [
        *changed(slices(), 9, orientation=OVER),
        *(member(1000 * k + n, (0.0, 0.0, 2.0 * n), orientation=turned(k), stack=str(k))
          for k in range(1, 66) for n in range(4))]),
    fires("SER-301", "one of another Image Type turned over",
          lambda: changed(slices(), 9, orientation=OVER, stack="b")),
    fires("SER-301", "one direction is not tilted as it says",
          lambda: scanned((0, 0.0), (5, 0.0), (-20, 20.0)), "untilted"),
    fires("SER-301", "one direction states no tilt", lambda: scanned((0, 0.0), (5, None)), "untilted"),
    fires("SER-301", "every direction is tilted as it says", lambda: scanned((0, 0.0), (5, -5.3), (-20, 20.0))),
    fires("SER-301", "no direction is tilted as it says", lambda: scanned((0, 9.0), (5, 0.0))),
    fires("SER-301", "one slice of each direction is tilted as it says",
          lambda: changed(scanned((0, 0.0), (5, 0.0)), 4, tilt=5.0)),
    fires("SER-301", "another acquisition is not tilted as it says",
          lambda: [*scanned((0, 0.0)), *again(scanned((5, 0.0), acquisition="2.0"))]),
    fires("SER-301", "derived slices are not tilted as they say", lambda: scanned((0, 0.0), (5, 0.0), rescale=None)),
    quiet("SER-301", "a scout turned over", lambda: changed(slices(), 9, orientation=OVER, scout=True), "rotated"),
    quiet("SER-301", "parallel, and not tilted as they say", lambda: scanned((0, 9.0)), "untilted"),
    quiet("SER-301", "parallel", slices),
    quiet("SER-301", "rounded", lambda: changed(slices(), 4, orientation=turned(0.004)), "jitter"),
    *(quiet(code, "mosaics", mosaics, case) for code, case in (
        ("SER-301", "jitter"), ("SER-302", ""), ("SER-303", ""))),
    quiet("SER-301", "scout of another plane", lambda: [
        *slices(), member(90, (0, 0, 0), orientation=CORONAL, scout=True)]),
    quiet("SER-301", "nothing with a place", lambda: [member(1, None)]),
    fires("SER-302", "one slice sideways", lambda: moved(slices(), 4, (0, 2, 0))),
    fires("SER-302", "one of three", lambda: moved(slices(3), 1, (0, 2, 0))),
    fires("SER-302", "the first slice sideways", lambda: moved(slices(), 0, (-0.3, 0, 0))),
    fires("SER-302", "two runs", lambda: [*slices(8), *slices(8, first=9, begin=-80, position=None)][:8]
          + [member(9 + n, (-117.0, -110.0, -80 + 2.5 * n)) for n in range(8)]),
    fires("SER-302", "discs of a spine", discs, "slabs"),
    quiet("SER-302", "one line", lambda: discs(0), "slabs"),
    quiet("SER-302", "0.05 mm", lambda: moved(slices(), 4, (0, 0.05, 0))),
    quiet("SER-302", "a tilted line", lambda: sheared(15)),
    quiet("SER-302", "two positions", lambda: moved(slices(2), 1, (5, 0, 0))),
    fires("SER-303", "sheared", lambda: sheared(15)),
    fires("SER-303", "another tilt is stated", lambda: sheared(15, tilt=-12.0)),
    fires("SER-303", "the gantry explains it", lambda: sheared(15, tilt=-15.2), "tilt"),
    quiet("SER-303", "along the normal", slices),
    quiet("SER-303", "2 degrees", lambda: sheared(2), "tilt"),
    fires("SER-307", "twice as fast", lambda: located(2)),
    fires("SER-307", "three positions", lambda: located(2)[:3]),
    fires("SER-307", "1.5 percent faster", lambda: located(1.015)),
    quiet("SER-307", "half a percent faster", lambda: located(1.005)),
    fires("SER-307", "two exchanged", lambda: exchanged(located(-1), (2, 7)), "exchanged"),
    fires("SER-307", "two pairs exchanged", lambda: exchanged(located(1), (2, 7), (3, 4)), "exchanged"),
    fires("SER-307", "positions exchanged", lambda: [
        one._replace(geometry=one.geometry._replace(position=slices()[{2: 7, 7: 2}.get(n, n)].geometry.position))
        for n, one in enumerate(located(1))], "exchanged"),
    fires("SER-307", "half of all exchanged", lambda: exchanged(located(1)[:8], (1, 2), (5, 6))),
    fires("SER-307", "two exchanged where all run twice as fast", lambda: exchanged(located(2), (2, 7))),
    fires("SER-307", "one is off", lambda: changed(located(1), 4, location=55.0)),
    quiet("SER-307", "follows", lambda: located(1)),
    quiet("SER-307", "runs the other way", lambda: located(-1)),
    quiet("SER-307", "one has none", lambda: changed(located(2), 4, location=None)),
    quiet("SER-307", "two exchanged, and one has none",
          lambda: changed(exchanged(located(1), (2, 7)), 4, location=None), "exchanged"),
    quiet("SER-307", "two positions", lambda: located(2)[:2]),
    quiet(
        "SER-307", "along a tilted table",
        lambda: [one._replace(geometry=one.geometry._replace(location=2.5 * n / cos(radians(20))))
                 for n, one in enumerate(sheared(20))],
    ),
    fires("SER-308", "half of it", lambda: slices(between=1.25)),
    quiet("SER-308", "the same", lambda: slices(between=2.5)),
    quiet("SER-308", "negative", lambda: slices(between=-2.5)),
    quiet("SER-308", "within 5 percent", lambda: slices(between=2.4)),
    quiet("SER-308", "along a tilted table", lambda: sheared(20, between=2.5 / cos(radians(20)))),
    quiet("SER-308", "not stated", slices),
    quiet("SER-308", "one position", lambda: slices(1, between=12.0)),
]  # fmt: skip


@pytest.mark.parametrize("row", SERIES_CASES)
def test_what_the_rule_says(row: SeriesCase) -> None:
    check(RULES, row)


def test_orientations_are_counted_and_named() -> None:
    (found,) = found_by(ser_line.several_orientations, localizer())
    assert found.message.startswith("3 orientations: ")
    assert {"axial 3", "coronal 3", "sagittal 3"} == set(found.message.split(": ")[1].split(", "))


def test_of_many_orientations_four_are_named_and_how_many_more_there_are() -> None:
    turned = [member(n, (0, 0, 0), orientation=(cos(n / 4), sin(n / 4), 0, 0, 0, -1)) for n in range(1, 7)]
    (found,) = found_by(ser_line.several_orientations, turned)
    assert found.message.startswith("6 orientations: ")
    assert found.message.endswith(" and 2 more")


def test_of_slice_location_only_what_is_wrong_is_told() -> None:
    stretched = [one._replace(geometry=one.geometry._replace(location=5.0 * n)) for n, one in enumerate(slices())]
    (found,) = found_by(ser_line.slice_location_does_not_follow_position, stretched)
    assert found.message == "Slice Location changes by 2 mm for each mm of position"
    (found,) = found_by(ser_line.slice_location_does_not_follow_position, changed(stretched, 4, location=0.0))
    assert found.message == "Slice Location changes by 2 mm for each mm of position, and is off by up to 20 mm"


def test_slices_that_contradict_the_others_are_named_with_the_directions() -> None:
    (found,) = found_by(ser_line.several_orientations, changed(slices(), 9, orientation=OVER))
    assert found.message == "2 orientations: axial 9, axial 1; Instance Number 10 rotated or mirrored in the plane"
    assert found.instances == ("1.2.10",)
    (found,) = found_by(ser_line.several_orientations, scanned((0, 0.0), (5, 0.0)))
    assert found.message.endswith("; Instance Number 4, 5 and 6 not tilted as Gantry/Detector Tilt says")
    assert found.instances == ("1.2.4", "1.2.5", "1.2.6")


def test_slices_that_have_each_others_location_are_named() -> None:
    (found,) = found_by(ser_line.slice_location_does_not_follow_position, exchanged(located(1), (2, 7)))
    assert found.message == "Slice Location or position exchanged: Instance Number 3 and 8"
    assert found.instances == ("1.2.3", "1.2.8")


def test_jitter_names_the_few_that_differ() -> None:
    (found,) = found_by(ser_line.several_orientations, changed(slices(), 4, orientation=turned(0.2)))
    assert found.message == "orientations differ by up to 0.2°: Instance Number 5 from the others"
    assert found.instances == ("1.2.5",)


def test_one_slice_off_the_line_does_not_blame_the_others() -> None:
    (found,) = found_by(ser_line.positions_not_on_a_line, moved(slices(), 4, (0, 2, 0)))
    assert found.message == "1 slice off the line by up to 2 mm: Instance Number 5"
    assert found.instances == ("1.2.5",)


def test_what_the_gantry_says_is_shown_if_it_does_not_explain_the_line() -> None:
    (found,) = found_by(ser_line.line_not_along_the_normal, sheared(15, tilt=-12.0))
    assert found.message == "slices are stacked 15° off their normal, Gantry/Detector Tilt is −12°"
    (found,) = found_by(ser_line.line_not_along_the_normal, sheared(15))
    assert found.message.endswith("Gantry/Detector Tilt is missing")


def test_a_finding_about_one_of_several_stacks_says_which() -> None:
    magnitude = slices(stack="m", sop_class_uid=MRImageStorage)
    phase = again(moved(magnitude, 3, (0, 1, 0)), stack="p")
    (found,) = found_by(ser_line.positions_not_on_a_line, [*magnitude, *phase])
    stack = next(one for one in view_of([*magnitude, *phase]).stacks if one.off_line)
    assert found.message.startswith(f"stack {stack.number} (axial): 1 slice off the line")
    assert found.stack == stack.number
