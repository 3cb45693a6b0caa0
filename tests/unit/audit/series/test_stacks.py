"""Series are taken apart into stacks as people would, whatever the order in which their instances came."""

import random
from math import cos, radians, sin
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import EnhancedMRImageStorage, MRImageStorage, NuclearMedicineImageStorage, RTDoseStorage

from scp.audit.series.member import Member
from scp.audit.series.result import Stack
from scp.audit.series.stacks import stacks_of
from tests.rules.series import AXIAL, CORONAL, SAGITTAL, again, changed, member, moved, slices, without


def volume(number: int, places: list[Any], **changes: Any) -> Member:
    changes = {"sop_class_uid": EnhancedMRImageStorage, "orientations": [AXIAL, CORONAL]} | changes
    return member(number, None, frames=places, **changes)


def one(members: list[Member]) -> Stack:
    (stack,) = stacks_of(members)
    return stack


def test_a_volume_is_one_stack_along_its_normal() -> None:
    stack = one(slices(4, 2.5, begin=-10))
    assert (stack.number, stack.group, stack.instances) == (1, 1, 4)
    assert (stack.plane, stack.axis) == ("axial", "z")
    assert list(stack.normal) == [0, 0, 1]
    assert list(stack.positions) == [-10, -7.5, -5, -2.5]
    assert stack.coordinates == stack.positions
    assert stack.numbers == (1, 2, 3, 4)
    assert stack.members == (1, 2, 3, 4)
    assert stack.frames == (0, 0, 0, 0)
    assert stack.counts == (1, 1, 1, 1)
    assert stack.position_of == (0, 1, 2, 3)
    assert stack.step == 2.5
    assert stack.spacing is not None
    assert (stack.spacing.minimum, stack.spacing.median, stack.spacing.maximum) == (2.5, 2.5, 2.5)
    assert (stack.rows, stack.columns, stack.pixel_spacing) == (512, 512, (0.5, 0.5))
    assert stack.tilt == pytest.approx(0)
    assert (stack.gaps, stack.off_line, stack.turned, stack.uneven) == ((), (), (), ())


def test_the_largest_stack_is_the_first() -> None:
    stacks = stacks_of([*slices(2), *again(slices(5), stack="b"), *again(again(slices(3)), stack="c")])
    assert [(stack.number, stack.instances) for stack in stacks] == [(1, 5), (2, 3), (3, 2)]


def test_nothing_with_a_place_makes_no_stack() -> None:
    assert stacks_of([]) == ()
    assert stacks_of([member(1, None), member(2, (0, 0, 0), sop_class_uid="1.2.3")]) == ()


def test_what_cannot_be_a_plane_is_left_out() -> None:
    assert stacks_of([member(1, (0, 0, 0), orientation=(1, 0, 0, 1, 0, 0))]) == ()
    assert stacks_of([member(1, (0, 0, 0), orientation=(0, 0, 0, 0, 0, 0))]) == ()


@pytest.mark.parametrize(
    ("orientation", "name", "axis"),
    [
        (AXIAL, "axial", "z"),
        (CORONAL, "coronal", "y"),
        (SAGITTAL, "sagittal", "x"),
        ((1, 0, 0, 0, 0.7, 0.7), "oblique", "d"),
    ],
)
def test_a_stack_has_the_name_that_people_know(orientation: tuple[float, ...], name: str, axis: str) -> None:
    stack = one([member(1, (1, 2, 3), orientation=orientation)])
    assert (stack.plane, stack.axis) == (name, axis)
    assert stack.step is None
    assert stack.spacing is None
    assert stack.tilt is None


def test_orientations_are_grouped_at_half_a_degree_around_the_one_of_most() -> None:
    def turned(degrees: float) -> tuple[float, ...]:
        return 1.0, 0.0, 0.0, 0.0, cos(radians(degrees)), sin(radians(degrees))

    members = changed(changed(slices(), 3, orientation=turned(0.4)), 5, orientation=turned(-0.4))
    stack = one(members)
    assert stack.orientation == AXIAL
    assert stack.turned == (3, 5)
    assert stack.jitter == pytest.approx(0.4)
    assert len(stacks_of(changed(slices(), 3, orientation=turned(0.6)))) == 2


def test_image_types_are_stacks_unless_only_together_they_are_even() -> None:
    halves = [each._replace(geometry=each.geometry._replace(stack="ab"[n % 2])) for n, each in enumerate(slices(9))]
    assert len(stacks_of(halves)) == 2, "each is even by itself"
    pairs = [each._replace(geometry=each.geometry._replace(stack="ab"[n // 2 % 2])) for n, each in enumerate(slices(9))]
    assert len(stacks_of(pairs)) == 1
    assert len(stacks_of([*slices(), *again(slices(), stack="b")])) == 2
    assert len(stacks_of([*slices(2), *again(slices(1), stack="b")])) == 2
    first, second = slices(2)
    assert len(stacks_of([first, *again([second], stack="b")])) == 2, "two images are not evenly spaced yet"


def test_frames_of_one_volume_are_a_stack_and_another_volume_is_another() -> None:
    first = volume(1, [(0, 0, z, 0) for z in (4, 2, 0)])
    second = volume(2, [(0, 0, z, 0) for z in (1, 3)])
    larger, smaller = stacks_of([first, second])
    assert (larger.frames, larger.offsets) == ((3, 2, 1), (0, 2, 4))
    assert (smaller.frames, smaller.offsets) == ((1, 2), (1, 3))


def test_the_members_of_a_concatenation_are_one_volume() -> None:
    parts = [
        volume(n, [(0, 0, 2.0 * (2 * n + k), 0) for k in range(2)], concatenation_uid="1.2.3", uid=f"1.2.{n}")
        for n in range(3)
    ]
    stack = one(parts)
    assert stack.instances == 3
    assert stack.positions == (0, 2, 4, 6, 8, 10)


def test_frames_of_several_orientations_are_several_stacks_and_frames_without_a_plane_are_left_out() -> None:
    localizer = volume(1, [(0, 0, 0, 0), None, (0, 0, 5, 0), (0, 10, 0, 1)])
    assert sorted(stack.frames for stack in stacks_of([localizer])) == [(1, 3), (4,)]


def test_volumes_of_one_frame_each_are_one_stack() -> None:
    stack = one([volume(n, [(0, 0, 2.0 * n, 0)]) for n in range(5)])
    assert stack.instances == 5
    assert stack.frames == (0,) * 5


@pytest.mark.parametrize("sop_class", [NuclearMedicineImageStorage, RTDoseStorage])
def test_frames_of_nm_and_dose_are_planes(sop_class: str) -> None:
    assert one([volume(1, [(0, 0, 0, 0), (0, 0, 4, 0)], sop_class_uid=sop_class)]).positions == (0, 4)


def test_a_dose_plane_alone_is_one() -> None:
    assert one([member(1, (0, 0, 5), sop_class_uid=RTDoseStorage)]).positions == (5,)


def test_images_at_one_position_are_counted() -> None:
    stack = one([*slices(4), *again(slices(4)), *again(again(slices(1)))])
    assert stack.counts == (3, 2, 2, 2)
    assert stack.usual_count == 2
    assert stack.uneven == (0,)
    assert stack.position_of == (0, 0, 0, 1, 1, 2, 2, 3, 3)


@pytest.mark.parametrize(
    ("apart", "spacing", "thickness", "positions"),
    [(0.009, (0.5, 0.5), None, 4), (0.011, (0.5, 0.5), None, 8), (0.009, (0.05, 0.05), 2.5, 8),
     (0.004, (0.05, 0.05), 2.5, 4), (0.009, None, 2.5, 4), (0.011, None, 2.5, 8), (0.029, (0.5, 0.5), 1.0, 4),
     (0.031, (0.5, 0.5), 1.0, 8), (0.049, (0.5, 0.5), 5.0, 4), (0.051, (0.6, 0.6), 5.0, 8)],
)  # fmt: skip
def test_images_nearer_than_a_hundredth_of_a_millimetre_a_tenth_of_a_pixel_or_a_part_of_a_slice_are_at_one_position(
    apart: float, spacing: tuple[float, float] | None, thickness: float | None, positions: int
) -> None:
    ones, others = (slices(4, begin=begin, spacing=spacing, thickness=thickness) for begin in (-100, -100 + apart))
    stack = one([*ones, *again(others)])
    assert len(stack.positions) == positions


def test_drift_is_along_rows_and_columns() -> None:
    stack = one(moved(slices(), 4, (0.5, -2, 0)))
    assert stack.off_line == (4,)
    assert stack.drift[4] == pytest.approx((0.5, -2))
    assert stack.drift[0] == pytest.approx((0, 0))


def test_positions_repeated_do_not_hide_one_that_is_off() -> None:
    stack = one([*moved(slices(), 4, (0, 2, 0)), *again(slices()), *again(again(slices()))])
    assert len(stack.off_line) == 1


def test_values_that_differ_in_a_stack_are_of_none() -> None:
    stack = one(changed(slices(), 0, rows=256, spacing=(1.0, 1.0)))
    assert (stack.rows, stack.columns, stack.pixel_spacing) == (None, 512, ())
    assert one(slices(spacing=None)).pixel_spacing == ()


def series() -> list[Member]:
    """A bit of everything."""
    return [
        *without(moved(slices(12), 2, (0, 1, 0)), 5, 6),
        *again(slices(5), stack="b"),
        *(member(200 + n, (0, 3.0 * n, 0), orientation=CORONAL, sop_class_uid=MRImageStorage) for n in range(4)),
        volume(300, [(0, 0, 2.0 * n, 0) for n in range(4)]),
        member(None, (0, 0, 99)),
        member(400, None),
    ]


@given(seed=st.integers(0, 2**32))
def test_stacks_do_not_depend_on_the_order(seed: int) -> None:
    members = series()
    expected = stacks_of(_in_order(members))
    random.Random(seed).shuffle(members)
    assert stacks_of(_in_order(members)) == expected


def _in_order(members: list[Member]) -> list[Member]:
    return sorted(members, key=lambda each: each.sop_instance_uid)
