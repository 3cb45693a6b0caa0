"""Parallel slabs of MR are told from one volume, and from two runs of one place that were merged."""

from math import cos, radians, sin
from typing import Any

import pytest
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, MRImageStorage

from scp.audit.series.member import Member
from scp.audit.series.stacks import stacks_of
from tests.rules.series import AXIAL, member


def run(
    first: int, place: tuple[float, float, float], count: int = 5, tilt: float = 0.0, **changes: Any
) -> list[Member]:
    """Return axial MR slices, 4 mm apart along their normal from a place on, tilted about their rows."""
    x, y, z = place
    c, s = cos(radians(tilt)), sin(radians(tilt))
    changes = {"sop_class_uid": MRImageStorage, "orientation": (1.0, 0.0, 0.0, 0.0, c, s)} | changes
    return [member(first + n, (x, y - 4 * n * s, z + 4 * n * c), **changes) for n in range(count)]


def sizes(members: list[Member]) -> list[int]:
    """Return how many planes each slab has; none if there are no slabs."""
    return [len(stack.offsets) for stack in stacks_of(members) if stack.is_slab]


@pytest.mark.parametrize("tilt", [0.0, 0.2])
def test_the_discs_of_a_spine_are_slabs_though_nearly_parallel(tilt: float) -> None:
    members = [*run(1, (0, 0, 0)), *run(6, (0, 8, 40), tilt=tilt), *run(11, (0, 5, 80), 4)]

    stacks = stacks_of(members)

    assert [len(stack.offsets) for stack in stacks] == [5, 5, 4]
    assert all(stack.is_slab and stack.group == 1 for stack in stacks)
    assert all(stack.step == pytest.approx(4) for stack in stacks)
    assert all((stack.off_line, stack.turned, stack.gaps) == ((), (), ()) for stack in stacks)
    assert all(stack.tilt == pytest.approx(0, abs=1e-6) for stack in stacks)


def test_a_slice_of_a_slab_that_is_turned_a_little_is_still_found() -> None:
    odd = run(3, (0, 0, 8), 1, tilt=0.05)
    members = [*run(1, (0, 0, 0), 2), *odd, *run(4, (0, 0, 12), 2), *run(6, (0, 8, 40), tilt=0.2)]

    first = next(stack for stack in stacks_of(members) if 3 in stack.numbers)

    assert first.is_slab
    assert [first.numbers[plane] for plane in first.turned] == [3]
    assert first.jitter == pytest.approx(0.05)


def test_the_stations_of_a_moving_table_are_slabs() -> None:
    """The field of view is 256 mm."""
    assert sizes([*run(1, (0, 0, 0)), *run(6, (0, 128, 0)), *run(11, (0, 256, 0))]) == [5, 5, 5]
    assert sizes([*run(1, (0, 0, 0)), *run(6, (-200, 0, 2))]) == [5, 5]


def test_frames_of_an_enhanced_image_are_slabs_too() -> None:
    places = [(0, y, z + 4 * n, 0) for y, z in ((0, 0), (8, 40)) for n in range(4)]
    volume = member(1, None, sop_class_uid=EnhancedMRImageStorage, frames=places, orientations=[AXIAL])
    assert sizes([volume]) == [4, 4]


def volume(stacks: list[int], *begins: float, count: int = 4) -> Member:
    """Return an enhanced image of runs that begin there, on one line; ``stacks`` stand for the Stack ID of frames."""
    places = [(0, 0, begin + 4 * n, 0) for begin in begins for n in range(count)]
    return member(1, None, sop_class_uid=EnhancedMRImageStorage, frames=places, orientations=[AXIAL],
                  frame_stacks=stacks)  # fmt: skip


def test_stacks_on_one_line_that_say_so_are_slabs_without_a_hole_between_them() -> None:
    both = [volume([7] * 4 + [5] * 4, 0, 100)]
    assert sizes(both) == [4, 4]
    assert all(stack.gaps == stack.rooms == () for stack in stacks_of(both))


def test_a_hole_in_a_stack_that_says_so_is_still_found() -> None:
    members = [volume([7] * 4 + [5] * 8, 0, 100, 124)]
    assert sizes(members) == [8, 4]
    assert [len(stack.gaps) + len(stack.rooms) for stack in stacks_of(members)] == [1, 0]


def test_more_stacks_than_anybody_plans_are_one() -> None:
    begins = [100 * n for n in range(65)]
    assert sizes([volume([n // 4 for n in range(4 * 64)], *begins[:64])]) == [4] * 64
    assert sizes([volume([n // 4 for n in range(4 * 65)], *begins)]) == []


@pytest.mark.parametrize("stacks", [[], [1] * 6 + [2] * 2, list(range(8))])
def test_stacks_that_say_nothing_or_are_too_small_do_not_hide_a_hole(stacks: list[int]) -> None:
    found = stacks_of([volume(stacks, 0, 100)])
    assert [len(stack.gaps) + len(stack.rooms) for stack in found] == [1]
    assert not found[0].is_slab


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([*run(1, (0, 0, 0)), *run(6, (0, 5, 2))], id="two runs of one place"),
        pytest.param([*run(1, (0, 0, 0)), *run(6, (0, 5, 20))], id="the second half is shifted"),
        pytest.param([*run(1, (0, 0, 0)), *run(6, (0, 5, 40), 2)], id="too few to be a slab"),
        pytest.param([*run(1, (0, 0, 0)), *run(6, (0, 0, 40))], id="a hole in one line"),
        pytest.param([*run(1, (0, 0, 0), rows=None), *run(6, (0, 200, 0), rows=None)], id="field of view unknown"),
        pytest.param(
            [*run(1, (0, 0, 0), sop_class_uid=CTImageStorage), *run(6, (0, 8, 40), sop_class_uid=CTImageStorage)],
            id="computed tomography",
        ),
        pytest.param([one for n in range(65) for one in run(3 * n + 1, (0, n, 40 * n), 3)], id="too many for a plan"),
        pytest.param(run(1, (0, 0, 0), 4), id="one small volume"),
    ],
)  # fmt: skip
def test_anything_else_is_one_stack(members: list[Member]) -> None:
    stacks = stacks_of(members)
    assert len(stacks) == 1
    assert not stacks[0].is_slab
