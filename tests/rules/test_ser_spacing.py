"""SER: whether slices are as far apart as they should be, and each there as often as the others."""

import random
import tracemalloc
from itertools import accumulate, groupby
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import CTImageStorage, EnhancedMRImageStorage, MRImageStorage, RTDoseStorage

from scp.audit.rules import ser_repeats, ser_spacing
from scp.audit.series.member import Member
from tests.rules.series import (
    AXIAL,
    CORONAL,
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
    without,
)

RULES = (*ser_spacing.RULES, *ser_repeats.RULES)
MR = MRImageStorage


def at(*places: float) -> list[Member]:
    """Axial slices at these z."""
    return [member(number, (0.0, 0.0, place)) for number, place in enumerate(places, 1)]


def head() -> list[Member]:
    """Thin slices below, thick ones above."""
    return at(*(4.0 * n for n in range(8)), *(28 + 7.0 * n for n in range(1, 9)))


def pitched(*steps: float) -> list[Member]:
    """Slices of which five have each of these steps."""
    return at(0, *accumulate(step for step in steps for _ in range(5)))


def dose(*offsets: float) -> list[Member]:
    frames = [(0.0, 0.0, offset, 0) for offset in offsets]
    return [member(1, None, sop_class_uid=RTDoseStorage, frames=frames, orientations=[AXIAL])]


def times(members: list[Member], count: int) -> list[Member]:
    """The same positions several times over, as in a dynamic scan."""
    return [
        one._replace(id=one.id + 100 * n, sop_instance_uid=f"{one.sop_instance_uid}.{n}",
                     instance_number=(one.instance_number or 0) + 100 * n)
        for n in range(count) for one in members
    ]  # fmt: skip


def localizer(*places: float) -> list[Member]:
    """Coronal slices, and these axial ones."""
    return [*(member(50 + n, (0.0, 20.0 * n, 0.0), orientation=CORONAL) for n in range(5)), *at(*places)]


def disc(*numbers: int) -> list[Member]:
    """Coronal slices, and a disc of a spine of which these are there: 4 mm apart, and they say so."""
    return [*localizer(), *(member(number, (0.0, 0.0, 4.0 * number), between=4.0) for number in numbers)]


def split_by_type() -> list[Member]:
    """One volume whose slices have two Image Types, by turns of two."""
    return [one._replace(geometry=one.geometry._replace(stack="ab"[n // 2 % 2])) for n, one in enumerate(slices(12))]


def filled(*places: int) -> list[Member]:
    """A hole of two slices in a stack that has repeats, and at these places images of another Image Type."""
    holed = without(times(slices(9), 2), 4, 5, 13, 14)
    return [*holed, *(one._replace(geometry=one.geometry._replace(stack="b"), id=900 + n, sop_instance_uid=f"1.9.{n}")
                      for n, one in enumerate([slices(9)[place] for place in places] * 2))]  # fmt: skip


def creeping(by: float, times: int = 8) -> list[Member]:
    """A dynamic scan of ten slices, each of which lies a little farther each time."""
    return [
        member(n + 10 * time + 1, (0.0, 0.0, 2.5 * n + by * time), acquisition=f"{time}", sop_class_uid=MR)
        for time in range(times) for n in range(10)
    ]  # fmt: skip


def two_runs(room: float = 80.0, count: int = 20, **changes: Any) -> list[Member]:
    """Two runs of slices on one line, numbered on from one to the other."""
    return slices(count, **changes) + [
        member(count + n + 1, (-120.0, -110.0, -100 + 2.5 * (count - 1 + n) + room), **changes) for n in range(count)
    ]


def acquired(*runs: tuple[int, int]) -> list[Member]:
    """Acquisitions that go from one position to another, 2.5 mm apart, up or down."""
    return [
        member(100 * acquisition + n, (0.0, 0.0, 2.5 * n), acquisition=str(acquisition))
        for acquisition, (begin, end) in enumerate(runs, 1) for n in range(begin, end, 1 if end > begin else -1)
    ]  # fmt: skip


def on(members: list[Member]) -> list[Member]:
    """The same, numbered on from one to the next."""
    return [one._replace(instance_number=number) for number, one in enumerate(members, 1)]


def echoes(count: int = 10) -> list[Member]:
    """Two echoes of each slice."""
    return [*slices(count, slot="first"), *again(slices(count), slot="second")]


def by_turns() -> list[Member]:
    """Every other slice was acquired first, twice, and then those between: two sorts, each in half the places."""
    return [one._replace(slot=f"{n % 10 % 2}") for n, one in enumerate(times(slices(), 2))]


def crossed(members: list[Member], one: int, other: int) -> list[Member]:
    """The same, where two have each other's position."""
    places = members[one].geometry.position, members[other].geometry.position
    return changed(changed(members, one, position=places[1]), other, position=places[0])


def timed(members: list[Member], moments: str) -> list[Member]:
    """The same, acquired at these times."""
    return [
        one._replace(geometry=one.geometry._replace(moment=moment))
        for one, moment in zip(members, moments, strict=True)
    ]  # fmt: skip


def anew(members: list[Member]) -> list[Member]:
    """The same, numbered anew in each acquisition."""
    runs = groupby(members, lambda one: one.geometry.acquisition)
    return [one._replace(instance_number=number) for _, run in runs for number, one in enumerate(run, 1)]


def stations() -> list[Member]:
    """MR at two stations of a moving table, ten slices each, at the same places along their normal."""
    return [member(n + 20 * far, (200.0 * far, 0.0, 4.0 * n), sop_class_uid=MR)
            for far in range(2) for n in range(10)]  # fmt: skip


SERIES_CASES = [
    fires("SER-304", "moved by 30 percent", lambda: moved(slices(), 4, (0, 0, 0.75))),
    fires("SER-304", "the last one moved", lambda: moved(slices(), 9, (0, 0, 0.75))),
    fires("SER-304", "two acquisitions", lambda: [*slices(), *again(slices(begin=-99.0))]),
    fires("SER-304", "no step at all", lambda: at(0, 1, 5, 6.3, 9, 13, 20, 22)),
    fires("SER-304", "moved by 5 percent", lambda: moved(slices(), 4, (0, 0, 0.125)), "slight"),
    fires("SER-304", "rounded to tenths", lambda: at(*(round(0.75 * n, 1) for n in range(20))), "slight"),
    fires("SER-304", "moved by a tenth", lambda: at(*(0.7 * n + (0.1 if n == 4 else 0) for n in range(20)))),
    fires("SER-304", "the last one moved by a tenth",
          lambda: at(*(0.7 * n + (0.1 if n == 19 else 0) for n in range(20)))),
    fires("SER-304", "rounded to tenths, and one moved",
          lambda: at(*(round(0.75 * n, 1) + (0.2 if n == 4 else 0) for n in range(20)))),
    fires("SER-304", "rounded to tenths, and one moved by less",
          lambda: at(*(round(0.75 * n, 1) + (0.05 if n == 4 else 0) for n in range(20)))),
    fires("SER-304", "head with two pitches", head, "pitch"),
    fires("SER-304", "three pitches", lambda: pitched(4, 7, 2), "pitch"),
    fires("SER-304", "four pitches", lambda: pitched(4, 7, 2, 9)),
    fires("SER-304", "uneven dose grid", lambda: dose(0, 2, 4, 6, 8, 12.5), "dose"),
    quiet("SER-304", "even", slices),
    quiet("SER-304", "rounded to hundredths", lambda: at(0, 0.62, 1.25, 1.88, 2.5, 3.12), "slight"),
    quiet("SER-304", "a hole", lambda: without(slices(), 4), "pitch"),
    quiet("SER-304", "two positions", lambda: slices(2)),
    quiet("SER-304", "one position", lambda: slices(1)),
    quiet("SER-304", "localizer", lambda: localizer(0, 10, 25)),
    quiet("SER-304", "two Image Types make one volume", split_by_type),
    quiet("SER-304", "even dose grid", lambda: dose(0, 2, 4, 6, 8), "dose"),
    fires("SER-305", "one slice", lambda: without(slices(), 4)),
    fires("SER-305", "two neighbours", lambda: without(slices(), 4, 5)),
    fires("SER-305", "two places", lambda: without(slices(20), 4, 10)),
    fires("SER-305", "between two pitches", lambda: without(head(), 5)),
    fires("SER-305", "a long hole that is no multiple", lambda: at(0, 1.25, 2.5, 204.9)),
    fires("SER-305", "three positions, step stated", lambda: without(slices(4), 2)),
    fires("SER-305", "four positions", lambda: without(slices(5), 3)),
    fires("SER-305", "at every time", lambda: times(without(slices(), 4), 3)),
    fires("SER-305", "moved to its neighbour", lambda: moved(slices(), 4, (0, 0, 2.5))),
    quiet("SER-305", "positions creep", lambda: creeping(0.02)),
    quiet("SER-305", "positions creep far", lambda: creeping(0.2)),
    fires("SER-305", "one slice of a volume that creeps", lambda: [
        one for n, one in enumerate(creeping(0.02)) if n % 10 != 4]),
    fires("SER-305", "two runs", two_runs, "runs"),
    fires("SER-305", "two runs of frames", lambda: [member(
        1, None, sop_class_uid=EnhancedMRImageStorage, orientations=[AXIAL],
        frames=[(0.0, 0.0, place, 0) for place in (0, 4, 8, 12, 40, 44, 48, 52)])], "slabs"),
    fires("SER-305", "frames of two volumes that are one", lambda: [member(
        n, None, sop_class_uid=EnhancedMRImageStorage, orientations=[AXIAL], concatenation_uid="1.2.3",
        frames=[(0.0, 0.0, 40.0 * n + 4 * place, 0) for place in range(4)]) for n in (1, 2)]),
    quiet("SER-305", "two runs with another Image Type between them", lambda: [
        *two_runs(52.5), *times(again(slices(20, first=60, begin=-50.0), stack="b"), 2)], "runs"),
    quiet("SER-305", "two runs that go on", lambda: two_runs(2.5), "runs"),
    quiet("SER-305", "two runs of MR that go on", lambda: two_runs(2.5, sop_class_uid=MR), "slabs"),
    fires("SER-305", "both breasts", lambda: two_runs(sop_class_uid=MR), "slabs"),
    fires("SER-305", "both breasts at every time",
          lambda: [one._replace(instance_number=n) for n, one in enumerate(times(two_runs(sop_class_uid=MR), 3))],
          "slabs"),
    fires("SER-305", "discs on one line", lambda: two_runs(7.5, 4, sop_class_uid=MR), "slabs"),
    fires("SER-305", "three slices of CT that have no number", lambda: two_runs(10.0)),
    fires("SER-305", "many slices lost", lambda: without(slices(60), *range(20, 50))),
    fires("SER-305", "many slices of MR lost", lambda: without(slices(60, sop_class_uid=MR), *range(9, 50))),
    fires("SER-305", "a number each for too few", lambda: [*slices(20), *slices(2, first=21, begin=100.0)]),
    fires("SER-305", "runs without a number", lambda: [one._replace(instance_number=None) for one in two_runs()]),
    fires("SER-305", "runs numbered anew, of which one is shorter", lambda: [
        *slices(20), *(one._replace(instance_number=n) for n, one in enumerate(again(slices(10, begin=0.0)), 1))]),
    fires("SER-305", "hole in the dose grid", lambda: dose(0, 2, 4, 6, 10, 12), "dose"),
    fires("SER-305", "at one station", lambda: without(stations(), 14)),
    quiet("SER-305", "whole", slices),
    quiet("SER-305", "whole stations", stations),
    quiet("SER-305", "no step at all", lambda: at(0, 1, 5, 6.3, 9, 13, 20, 22)),
    quiet("SER-305", "first and last missing", lambda: slices()[1:-1]),
    quiet("SER-305", "another pitch", lambda: at(*(5.0 * n for n in range(8)), *(35 + 10.0 * n for n in range(1, 6)))),
    quiet("SER-305", "three positions, step not stated", lambda: [
        one._replace(geometry=one.geometry._replace(thickness=None)) for one in without(slices(4), 2)]),
    fires("SER-305", "one of four slices of a disc", lambda: disc(1, 2, 4)),
    fires("SER-305", "two of five, numbered down", lambda: disc(5, 2, 1)),
    quiet("SER-305", "another image has the number", lambda: [
        *disc(1, 2, 4), member(3, (0.0, 100.0, 0.0), orientation=CORONAL)]),
    quiet("SER-305", "numbers without room", lambda: [
        one._replace(instance_number={4: 3}.get(one.instance_number or 0, one.instance_number))
        for one in disc(1, 2, 4)]),
    quiet("SER-305", "no number beside the hole", lambda: [
        one._replace(instance_number={4: None}.get(one.instance_number or 0, one.instance_number))
        for one in disc(1, 2, 4)]),
    quiet("SER-305", "localizer", lambda: localizer(0, 10, 30)),
    quiet("SER-305", "another Image Type is there", split_by_type),
    quiet("SER-305", "filled by another Image Type", lambda: filled(4, 5)),
    fires("SER-305", "filled by half", lambda: filled(2, 4)),
    fires("SER-305", "another Image Type lies elsewhere", lambda: filled(2, 7)),
    quiet("SER-305", "whole dose grid", lambda: dose(0, 2, 4, 6), "dose"),
    fires("SER-306", "one position again", lambda: [*slices(), *again(slices()[3:4])]),
    fires("SER-306", "one of a time missing", lambda: without(times(slices(), 3), 14)),
    fires("SER-306", "a run was aborted", lambda: [*times(slices(), 3), *again(slices()[:3])]),
    fires("SER-306", "a third merged in", lambda: [*slices(9), *again(slices(3))]),
    fires("SER-306", "a different number everywhere", lambda: [
        *slices(4), *again(slices(2)), *again(again(slices(1)))], "mixed"),
    fires("SER-306", "half merged in", lambda: [*slices(), *again(slices(5))]),
    fires("SER-306", "a few repeated", lambda: acquired((0, 30), (12, 15)), "acquisitions"),
    fires("SER-306", "slabs that overlap", lambda: acquired((0, 40), (32, 72), (64, 104)), "acquisitions"),
    fires("SER-306", "a needle followed", lambda: acquired((0, 20), (8, 11), (8, 11), (9, 12)), "acquisitions"),
    fires("SER-306", "most repeated, not from the first one on",
          lambda: on(acquired((0, 20), (7, 20))), "acquisitions"),
    fires("SER-306", "most repeated, numbered anew",
          lambda: anew(acquired((0, 20), (7, 20))), "acquisitions"),
    fires("SER-306", "most repeated, neither from the first nor to the last one",
          lambda: on(acquired((0, 20), (3, 17))), "acquisitions"),
    fires("SER-306", "most repeated, back from the last one", lambda: on(acquired((0, 20), (19, 3))), ""),
    fires("SER-306", "most repeated, back, not from the last one", lambda: on(acquired((0, 20), (12, -1))),
          "acquisitions"),
    fires("SER-306", "most repeated before all are scanned", lambda: on(acquired((3, 20), (0, 20))),
          "acquisitions"),
    fires("SER-306", "most repeated, not to the last one", lambda: on(acquired((0, 20), (0, 13)))),
    fires("SER-306", "most repeated, not to the last one, and then all", lambda: on(acquired((0, 13), (0, 20))),
          "acquisitions"),
    fires("SER-306", "most repeated, not to the last one, and then numbered anew",
          lambda: anew(acquired((0, 13), (0, 20)))),
    fires("SER-306", "most repeated, neither first nor last, and more after that",
          lambda: without(on(acquired((0, 20), (0, 20), (30, 40))), *range(20, 23), *range(37, 40))),
    fires("SER-306", "two thirds repeated, from the first to the last one",
          lambda: on([one for n, one in enumerate(acquired((0, 21), (0, 21))) if n < 21 or n % 3 != 1])),
    fires("SER-306", "most repeated, and a number is missing before", lambda: acquired((0, 20), (7, 20))),
    fires("SER-306", "most repeated, and a number is missing within",
          lambda: [one._replace(instance_number=(one.instance_number or 0) + (n > 24))
                   for n, one in enumerate(on(acquired((0, 20), (7, 20))))]),
    fires("SER-306", "most repeated, numbered anew, and the first is missing",
          lambda: without(anew(acquired((0, 20), (0, 20))), *range(20, 27))),
    fires("SER-306", "most repeated, without a number",
          lambda: [one._replace(instance_number=None) for one in acquired((0, 20), (7, 20))]),
    fires("SER-306", "a time begun", lambda: acquired((0, 20), (0, 20), (0, 5))),
    fires("SER-306", "the last of a time missing", lambda: acquired((0, 20), (0, 19))),
    fires("SER-306", "one of a time missing", lambda: without(acquired((0, 20), (0, 20)), 31)),
    fires("SER-306", "one of the repeated ones missing", lambda: without(acquired((0, 30), (10, 17)), 33)),
    fires("SER-306", "one again in an acquisition of its own", lambda: [
        *(one._replace(geometry=one.geometry._replace(acquisition=str(n))) for n, one in enumerate(slices())),
        *again(changed(slices(), 3, acquisition="3")[3:4])]),
    fires("SER-306", "no Acquisition Number", lambda: [
        one._replace(geometry=one.geometry._replace(acquisition="")) for one in acquired((0, 30), (12, 15))]),
    fires("SER-306", "a few repeated, at other times",
          lambda: timed(acquired((0, 9), (3, 6)), "abcdefghixyz"), "acquisitions"),
    fires("SER-306", "a few repeated, and no times", lambda: timed(acquired((0, 9), (3, 6)), "a" * 12), "acquisitions"),
    fires("SER-306", "a few copied into another acquisition", lambda: timed(acquired((0, 9), (3, 6)), "abcdefghidef")),
    fires("SER-306", "one of a few repeated at the same second",
          lambda: timed(acquired((0, 9), (3, 6)), "abcdefghixef"), "acquisitions"),
    fires("SER-306", "up and down", lambda: [
        *slices(6), *again(slices(2)), *times(again(again(slices(4)[3:])), 2)], "mixed"),
    fires("SER-306", "half merged in, and cut off in the middle of a position",
          lambda: [*times(slices(), 2), *times(again(slices(5)), 2)[:-1]]),
    fires("SER-306", "half missing, cut off in the middle of a position",
          lambda: [*slices(), *times(again(slices(4)), 3), *again(again(slices(5)[4:]))]),
    fires("SER-306", "three slabs one in another",
          lambda: [*slices(9), *times(again(slices(3)), 3), *again(again(slices(6)[3:]))], "mixed"),
    fires("SER-306", "each third slab has fewer", lambda: [
        *slices(8), *again(slices(4)), *times(again(again(slices(2))), 2)], "mixed"),
    fires("SER-306", "fewer in the middle",
          lambda: [*slices(9), *times(again(slices(4)), 2), *again(again(slices(9)[5:]))], "mixed"),
    fires("SER-306", "an echo placed where another belongs", lambda: crossed(echoes(), 3, 15), "exchanged"),
    fires("SER-306", "one echo instead of the other at two places",
          lambda: [one._replace(slot={3: "second", 15: "first"}.get(n, one.slot)) for n, one in enumerate(echoes())],
          "exchanged"),
    quiet("SER-306", "two echoes", echoes, "exchanged"),
    quiet("SER-306", "slices of one echo exchanged", lambda: crossed(echoes(), 3, 5), "exchanged"),
    quiet("SER-306", "two sorts by turns", by_turns, "exchanged"),
    quiet("SER-306", "half of four positions", lambda: crossed(echoes(4), 1, 6), "exchanged"),
    quiet("SER-306", "a sort for each image", lambda: [
        one._replace(slot=str(n)) for n, one in enumerate(echoes())], "exchanged"),
    quiet("SER-306", "three times", lambda: times(slices(), 3), "mixed"),
    quiet("SER-306", "creeping", lambda: creeping(0.02)),
    quiet("SER-306", "acquisitions beside each other", lambda: acquired((0, 5), (5, 10)), "acquisitions"),
    quiet("SER-306", "once", slices),
    quiet("SER-306", "two positions", lambda: [*slices(2), *again(slices(1))]),
    fires("SER-309", "two sizes", lambda: [*slices(), *again(slices(3), rows=256, columns=256, stack="b")]),
    quiet("SER-309", "one size", slices),
    quiet("SER-309", "an odd page", lambda: [*slices(), *again(slices(2), rows=256, stack="b")]),
    quiet("SER-309", "no size", lambda: slices(rows=None)),
    quiet("SER-309", "three without a size", lambda: [*slices(), *again(slices(3), rows=None, stack="b")]),
    quiet("SER-309", "three pages", lambda: [*slices(), *(member(50 + n, None, rows=256) for n in range(3))]),
]  # fmt: skip


@pytest.mark.parametrize("row", SERIES_CASES)
def test_what_the_rule_says(row: SeriesCase) -> None:
    check(RULES, row)


def test_a_hole_is_named_by_its_neighbours_and_counted() -> None:
    members = [one._replace(instance_number=n) for n, one in enumerate(
        without(slices(60, begin=-182.5), 41, 42, 43), 1)]  # fmt: skip
    (found,) = found_by(ser_spacing.slices_missing, members)
    assert found.message == "3 slices missing between Instance Number 41 (z −82.5) and 42 (z −72.5), step 2.5 mm"
    assert (found.expected, found.found) == (2.5, 10.0)
    assert len(found.instances) == 2


def test_the_smaller_instance_number_is_named_first_whichever_way_the_stack_runs() -> None:
    members = [one._replace(instance_number=20 - (one.instance_number or 0)) for one in without(slices(), 4)]
    (found,) = found_by(ser_spacing.slices_missing, members)
    assert found.message == "1 slice missing between Instance Number 14 (z −87.5) and 16 (z −92.5), step 2.5 mm"


def test_slices_without_a_number_are_named_by_their_uid() -> None:
    (found,) = found_by(ser_spacing.slices_missing, [
        one._replace(instance_number=None) for one in without(slices(), 4)])  # fmt: skip
    assert found.message.startswith(
        "1 slice missing between SOP Instance UID 1.2.4 (z −92.5) and SOP Instance UID 1.2.6 (z −87.5)"
    )


def test_frames_of_one_volume_are_named_by_their_number() -> None:
    (found,) = found_by(ser_spacing.slices_missing, dose(0, 2, 4, 6, 10, 12))
    assert found.message == "1 slice missing between frame 4 (z 6) and 5 (z 10), step 2 mm"


def test_an_oblique_stack_is_named_by_the_distance_along_its_normal() -> None:
    half = 0.5**0.5
    oblique = (1.0, 0.0, 0.0, 0.0, half, half)
    members = [member(n, (0.0, -2 * n * half, 2 * n * half), orientation=oblique) for n in range(10) if n != 5]
    (found,) = found_by(ser_spacing.slices_missing, members)
    assert found.message == "1 slice missing between Instance Number 4 (d 8) and 6 (d 12), step 2 mm"


def test_many_holes_are_told_in_ten_lines_and_a_sum() -> None:
    found = found_by(ser_spacing.slices_missing, without(slices(100), *range(4, 80, 5)))
    assert len(found) == 11
    assert found[-1].message == "6 slices missing at 6 more places"
    assert found_by(ser_spacing.slices_missing, without(slices(60), *range(4, 59, 5)))[-1].message == (
        "1 slice missing at 1 more place"
    )


def test_a_change_of_pitch_is_told_with_its_place() -> None:
    (found,) = found_by(ser_spacing.spacing_not_uniform, head())
    assert found.message == "the step changes: 4, then 7 mm, from Instance Number 8 (z 28) on"
    begun_with_a_hole = at(*(4.0 * n for n in range(6) if n != 1), *(20 + 7.0 * n for n in range(1, 6)))
    (found,) = found_by(ser_spacing.spacing_not_uniform, begun_with_a_hole)
    assert found.message == "the step changes: 4, then 7 mm, from Instance Number 5 (z 20) on"


def test_uneven_steps_are_told_with_the_first_of_them() -> None:
    (found,) = found_by(ser_spacing.spacing_not_uniform, moved(slices(), 4, (0, 0, 0.75)))
    assert found.message == (
        "the step is 2.5 mm, but 3.25 mm between Instance Number 4 (z −92.5) and 5 (z −89.25) and at 1 other place"
    )


def test_distances_that_differ_look_different_however_fine_the_slices_are() -> None:
    fine = slices(10, 0.005, begin=1, spacing=(0.005, 0.005), thickness=0.005)
    (found,) = found_by(ser_spacing.spacing_not_uniform, moved(fine, 4, (0, 0, 0.0004)))
    assert found.message == (
        "the step is 0.005 mm, but 0.0054 mm between Instance Number 4 (z 1.015) and 5 (z 1.0204) and at 1 other place"
    )
    (found,) = found_by(ser_spacing.slices_missing, without(fine, 4))
    assert found.message == ("1 slice missing between Instance Number 4 (z 1.015) and 6 (z 1.025), step 0.005 mm")


def test_repeats_are_told_with_the_images_at_the_position() -> None:
    (found,) = found_by(ser_repeats.positions_repeated_unevenly, [*slices(), *again(slices()[3:4])])
    assert found.message == "2 images at Instance Number 4 and 1004 (z −92.5), 1 at most positions"
    (found,) = found_by(ser_repeats.positions_repeated_unevenly, [*slices(9), *again(slices(3))])
    assert found.message.endswith("; 2 other positions differ too")


def test_different_repeats_are_told_by_how_often_they_are() -> None:
    (found,) = found_by(
        ser_repeats.positions_repeated_unevenly, [*slices(4), *again(slices(2)), *again(again(slices(1)))]
    )
    shown = "positions have different numbers of images: 1 at 2 positions, 2 at 1 position, 3 at 1 position"
    assert found.message == shown


def test_sorts_that_are_exchanged_are_told_with_the_first_position() -> None:
    (found,) = found_by(ser_repeats.positions_repeated_unevenly, crossed(echoes(), 3, 15))
    assert found.message == (
        "as many images as elsewhere, but not of each kind: Instance Number 1004 and 1006 (z −92.5) "
        "and at 1 other position"
    )
    assert found.instances == ("1.2.4.9", "1.2.6.9", "1.2.4", "1.2.6")


def test_of_many_sizes_the_most_frequent_are_told_and_how_many_more_there_are() -> None:
    members = [one for n in range(6) for one in slices(9 - n, first=100 * n, rows=64 + n, columns=64, stack=str(n))]
    (found,) = found_by(ser_repeats.several_matrices, members)
    assert found.message == (
        "6 sizes: 64 × 64 in 9 images, 65 × 64 in 8 images, 66 × 64 in 7 images, 67 × 64 in 6 images and 2 more"
    )


def test_sizes_are_told_with_their_images() -> None:
    (found,) = found_by(ser_repeats.several_matrices, [*slices(), *again(slices(3), rows=256, columns=128, stack="b")])
    assert found.message == "2 sizes: 512 × 512 in 10 images, 256 × 128 in 3 images"


@given(
    count=st.integers(4, 60), step=st.floats(0.2, 20), begin=st.floats(-1000, 1000),
    normal=st.sampled_from([AXIAL, CORONAL]), seed=st.integers(0, 9),
)  # fmt: skip
def test_an_even_volume_is_never_blamed(
    count: int, step: float, begin: float, normal: tuple[float, ...], seed: int
) -> None:
    places = [(0.0, 0.0, begin + step * n) if normal is AXIAL else (0.0, begin + step * n, 0.0) for n in range(count)]
    members = [member(n, place, orientation=normal) for n, place in enumerate(places, 1)]
    random.Random(seed).shuffle(members)
    assert [one for rule in RULES for one in found_by(rule, members)] == []


@given(data=st.data(), count=st.integers(6, 60), step=st.floats(0.2, 20), begin=st.floats(-1000, 1000))
def test_a_hole_inside_is_always_found_with_its_size(
    data: st.DataObject, count: int, step: float, begin: float
) -> None:
    first = data.draw(st.integers(1, count - 2))
    missing = data.draw(st.integers(1, min(count - 1 - first, count // 3)))
    members = slices(count, step, begin=begin, thickness=step)
    holed = without(members, *range(first, first + missing))
    found = found_by(ser_spacing.slices_missing, holed)
    assert [one.message.split(" ")[0] for one in found] == [str(missing)]


def test_scouts_and_pages_do_not_disturb_the_stack() -> None:
    page = member(99, None, sop_class_uid=CTImageStorage, stack="page")
    scout = member(98, (0.0, 0.0, 13.0), scout=True)
    assert [one for rule in RULES for one in found_by(rule, [*slices(), page, scout])] == []


def test_a_slice_far_finer_than_a_millimetre_is_a_position_of_its_own() -> None:
    members = changed(slices(10, 0.005, spacing=(0.005, 0.005)), 0, thickness=0.005)
    assert found_by(ser_repeats.positions_repeated_unevenly, members) == []
    assert len(found_by(ser_spacing.slices_missing, without(members, 4))) == 1


def test_a_hole_of_a_kilometre_costs_no_more_memory_than_one_of_a_slice() -> None:
    """What may fill it is looked for among what is there, not at millions of places."""
    far = [*at(0, 0.02, 0.04, 0.06, 900_000), *again(at(1, 2, 3), stack="b")]
    far = [one._replace(geometry=one.geometry._replace(thickness=None)) for one in far]
    (rule,) = (rule for rule in RULES if rule.code == "SER-305")
    tracemalloc.start()
    try:
        (found,) = found_by(rule, far)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "44999996 slices missing" in found.message
    assert peak < 4 << 20
